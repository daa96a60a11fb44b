import GRDB
public import STTRecord

extension Catalogue {
  /// Brings one folder's entries to what the folder holds.
  ///
  /// A finished segment never changes, so one whose size is known is not read again.
  ///
  /// - Parameters:
  ///   - name: `device/purpose`.
  ///   - listing: names and sizes of its segments; `nil`: the folder is gone.
  ///   - readsAll: reads every segment, whatever is known.
  ///   - segment: reads one.
  /// - Returns: how many segments were read.
  @discardableResult
  public func update(
    _ name: String, _ listing: (folder: CataloguedFolder, files: [(name: String, byteCount: Int64)])?,
    readsAll: Bool = false, _ segment: (_ name: String) throws -> CataloguedSegment?
  ) throws(CatalogueError) -> Int {
    guard let (folder, files) = listing else {
      try write { try $0.execute(sql: "DELETE FROM folder WHERE device || '/' || purpose = ?", arguments: [name]) }
      return 0
    }
    let known = try readsAll ? [:] : sizes(folder)
    var read: [CataloguedSegment] = []
    for file in files where known[file.name] != file.byteCount {
      do { if let found = try segment(file.name) { read.append(found) } } catch {
        throw .failed(path: path, what: "\(error)")
      }
    }
    let kept = Set(known.keys).intersection(files.map(\.name)).subtracting(read.map(\.name))
    try write { db in
      let id = try Self.folder(db, folder)
      for name in try String.fetchAll(db, sql: "SELECT name FROM segment WHERE folder = ?", arguments: [id])
      where !kept.contains(name) {
        try db.execute(sql: "DELETE FROM segment WHERE folder = ? AND name = ?", arguments: [id, name])
      }
      for segment in read { try Self.insert(db, segment, folder: id) }
      try db.execute(sql: "DELETE FROM set_aside WHERE folder = ?", arguments: [id])
      for file in folder.setAside {
        try db.execute(sql: "INSERT INTO set_aside VALUES (?, ?, ?)", arguments: [id, file.name, file.byteCount])
      }
    }
    return read.count
  }

  /// Drops entries of folders that are not among `names`, each `device/purpose`.
  public func keepOnly(_ names: [String]) throws(CatalogueError) {
    let names = Set(names)
    try write { db in
      for name in try String.fetchAll(db, sql: "SELECT device || '/' || purpose FROM folder") where !names.contains(name) {
        try db.execute(sql: "DELETE FROM folder WHERE device || '/' || purpose = ?", arguments: [name])
      }
    }
  }

  /// Sizes of the segments that won't change any more.
  private func sizes(_ folder: CataloguedFolder) throws(CatalogueError) -> [String: Int64] {
    try read { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT name, bytes FROM segment WHERE state IN ('finished', 'recovered') AND folder =
            (SELECT id FROM folder WHERE device = ? AND purpose = ?)
          """, arguments: [folder.device, folder.purpose])
      var sizes: [String: Int64] = [:]
      for row in rows { sizes[try row.text(0)] = try row.integer(1) }
      return sizes
    }
  }

  private static func folder(_ db: Database, _ folder: CataloguedFolder) throws -> Int64? {
    try db.execute(
      sql: """
        INSERT INTO folder (device, purpose, removed_through) VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET removed_through = excluded.removed_through
        """, arguments: [folder.device, folder.purpose, folder.removedThrough])
    return try Int64.fetchOne(
      db, sql: "SELECT id FROM folder WHERE device = ? AND purpose = ?", arguments: [folder.device, folder.purpose])
  }

  private static func insert(_ db: Database, _ segment: CataloguedSegment, folder: Int64?) throws {
    let seal = segment.seal
    try db.execute(
      sql: """
        INSERT INTO segment (folder, number, name, bytes, state, first_received, last_received, messages, chunks,
          checksum, segment_id, previous_head, head, seals, slots) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
        """,
      arguments: [
        folder, segment.number, segment.name, segment.byteCount, segment.state.rawValue, segment.firstTime,
        segment.lastTime, segment.messageCount, segment.chunkCount, segment.checksum, seal?.segment, seal?.previousHead,
        seal?.head, seal?.sealCount, seal?.slots,
      ])
    let id = db.lastInsertedRowID
    for stream in segment.streams {
      try db.execute(
        sql: "INSERT INTO stream VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        arguments: [
          id, stream.channel, stream.topic, stream.schema, stream.uid, stream.incarnation, stream.delivery,
          stream.durability, stream.messageCount, stream.firstNumber, stream.endNumber, stream.firstTime, stream.lastTime,
        ])
    }
    for gap in segment.gaps {
      try db.execute(sql: "INSERT INTO gap VALUES (?, ?, ?, ?)", arguments: [id, gap.topic, gap.begin, gap.end])
    }
  }
}
