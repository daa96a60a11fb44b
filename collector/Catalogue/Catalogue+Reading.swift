import GRDB
public import STTRecord

/// Which segments are asked for.
public struct CatalogueQuery: Sendable {
  /// As folders are named; `nil`: all.
  public var device: String?
  /// Nanoseconds since 1970: segments with something received in between.
  public var from: Int64?
  public var until: Int64?

  public init(device: String? = nil, from: Int64? = nil, until: Int64? = nil) {
    self.device = device
    self.from = from
    self.until = until
  }
}

extension Catalogue {
  /// Folders with the segments asked for, each with its streams and gaps; oldest first. A segment that is being
  /// recorded has no times yet and matches any.
  public func folders(_ query: CatalogueQuery = CatalogueQuery()) throws(CatalogueError) -> [CataloguedFolder] {
    try read { db in
      let rows = try Row.fetchAll(
        db,
        sql:
          "SELECT id, device, purpose, removed_through FROM folder WHERE device = coalesce(?, device) ORDER BY device, purpose",
        arguments: [query.device])
      return try rows.map { row in
        var folder = CataloguedFolder(device: try row.text(1), purpose: try row.text(2))
        folder.removedThrough = try row.integer(3)
        folder.segments = try Self.segments(db, try row.integer(0), query)
        folder.setAside = try Row.fetchAll(
          db, sql: "SELECT name, bytes FROM set_aside WHERE folder = ? ORDER BY name", arguments: [try row.integer(0)]
        ).map { SetAsideFile(name: try $0.text(0), byteCount: try $0.integer(1)) }
        return folder
      }
    }
  }

  /// When the first message of all was received, nanoseconds since 1970.
  public func firstTime() throws(CatalogueError) -> Int64? {
    try read { try Int64.fetchOne($0, sql: "SELECT min(first_received) FROM segment") }
  }

  private static func segments(_ db: Database, _ folder: Int64, _ query: CatalogueQuery) throws -> [CataloguedSegment] {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT id, name, bytes, state, first_received, last_received, messages, chunks, checksum, segment_id,
          previous_head, head, seals, slots FROM segment
        WHERE folder = ? AND coalesce(last_received >= ?, 1) AND coalesce(first_received < ?, 1) ORDER BY number, name
        """, arguments: [folder, query.from, query.until])
    return try rows.map { row in
      guard let state = CataloguedSegment.State(rawValue: try row.text(3)) else { throw RowFlaw() }
      var segment = CataloguedSegment(name: try row.text(1), byteCount: try row.integer(2), state: state)
      (segment.firstTime, segment.lastTime) = (try row.integerOrNull(4), try row.integerOrNull(5))
      (segment.messageCount, segment.chunkCount) = (try row.integerOrNull(6), try row.integer(7))
      segment.checksum = try row.integerOrNull(8)
      if let id = try row.textOrNull(9) {
        segment.seal = CataloguedSeal(
          segment: id, previousHead: try row.text(10), head: try row.textOrNull(11), sealCount: try row.integerOrNull(12),
          slots: try row.text(13))
      }
      segment.streams = try streams(db, try row.integer(0))
      segment.gaps = try Row.fetchAll(
        db, sql: "SELECT stream, begin, until FROM gap WHERE segment = ? ORDER BY rowid", arguments: [try row.integer(0)]
      ).map { CataloguedGap(topic: try $0.text(0), begin: try $0.integer(1), end: try $0.integer(2)) }
      return segment
    }
  }

  private static func streams(_ db: Database, _ segment: Int64) throws -> [CataloguedStream] {
    let rows = try Row.fetchAll(
      db,
      sql: """
        SELECT channel, name, schema, uid, incarnation, delivery, durability, messages, first_number, end_number,
          first_received, last_received FROM stream WHERE segment = ? ORDER BY rowid
        """, arguments: [segment])
    return try rows.map { row in
      var stream = CataloguedStream(channel: try row.integer(0), topic: try row.text(1))
      (stream.schema, stream.uid, stream.incarnation) = (try row.text(2), try row.text(3), try row.text(4))
      (stream.delivery, stream.durability) = (try row.text(5), try row.text(6))
      stream.messageCount = try row.integer(7)
      (stream.firstNumber, stream.endNumber) = (try row.integerOrNull(8), try row.integerOrNull(9))
      (stream.firstTime, stream.lastTime) = (try row.integerOrNull(10), try row.integerOrNull(11))
      return stream
    }
  }
}

/// A value that no catalogue of ours has.
struct RowFlaw: Error {}

extension Row {
  /// A row's own subscripts trap on what a damaged page may hold.
  func integerOrNull(_ column: Int) throws -> Int64? {
    switch (self[column] as DatabaseValue).storage {
    case .null: nil
    case .int64(let value): value
    default: throw RowFlaw()
    }
  }

  func textOrNull(_ column: Int) throws -> String? {
    switch (self[column] as DatabaseValue).storage {
    case .null: nil
    case .string(let value): value
    default: throw RowFlaw()
    }
  }

  func integer(_ column: Int) throws -> Int64 {
    guard let value = try integerOrNull(column) else { throw RowFlaw() }
    return value
  }

  func text(_ column: Int) throws -> String {
    guard let value = try textOrNull(column) else { throw RowFlaw() }
    return value
  }
}
