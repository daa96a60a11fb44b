import GRDB

/// An index of recordings in one SQLite file beside them, made from the files alone. Nothing needs it to be read.
///
/// Opened for one task and closed again: a file that is replaced meanwhile is found by the next one.
public struct Catalogue {
  /// Its name in the recordings' root.
  public static let fileName = "catalogue.sqlite"
  /// Seconds to wait for another program's lock.
  private static let patience = 2.0

  public enum Access: Sendable {
    /// Reads it after a check of all its pages.
    case reading
    /// Makes it where there is none.
    case keeping
    /// As `keeping`, and checks all its pages.
    case checking
  }

  public let path: String
  private let queue: DatabaseQueue

  public init(root: String, _ access: Access) throws(CatalogueError) {
    path = "\(root)/\(Self.fileName)"
    var configuration = Configuration()
    configuration.readonly = access == .reading
    configuration.busyMode = .timeout(Self.patience)
    configuration.label = "stt-catalogue"
    configuration.prepareDatabase { db in
      // The file may be anybody's: its schema runs no function, and a page that lies about its cells is refused.
      try db.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0")
      // What is taken out is overwritten: names of streams go with their segments.
      if access != .reading { try db.execute(sql: "PRAGMA secure_delete = ON; PRAGMA synchronous = NORMAL") }
    }
    let path = path
    if access == .reading, !CatalogueFile.exists(path) { throw .missing(path: path) }
    queue = try Self.guarded(path) {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      if access != .reading {
        try queue.write { db in
          if try Int64.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0 { try CatalogueSchema.create(db) }
        }
      }
      return queue
    }
    let flaw: String? = try Self.guarded(path) {
      try queue.read { db in
        if let flaw = try CatalogueSchema.flaw(db) { return flaw }
        guard access != .keeping else { return nil }
        let answer = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? ""
        return answer == "ok" ? nil : answer
      }
    }
    if let flaw { throw .damaged(path: path, what: flaw) }
  }

  /// Takes a file away that is no catalogue, with the journal that belongs to it.
  public static func remove(root: String) throws(CatalogueError) {
    try CatalogueFile.remove("\(root)/\(fileName)")
  }

  func read<Value>(_ body: (Database) throws -> Value) throws(CatalogueError) -> Value {
    try Self.guarded(path) { try queue.read(body) }
  }

  func write<Value>(_ body: (Database) throws -> Value) throws(CatalogueError) -> Value {
    try Self.guarded(path) { try queue.write(body) }
  }

  /// SQLite's errors by what is to be done about them.
  private static func guarded<Value>(_ path: String, _ body: () throws -> Value) throws(CatalogueError) -> Value {
    do { return try body() } catch let error as CatalogueError { throw error } catch let error as DatabaseError {
      let what = error.message ?? "\(error.resultCode)"
      switch error.resultCode.primaryResultCode {
      case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_ERROR, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_FORMAT:
        throw .damaged(path: path, what: what)
      case .SQLITE_BUSY, .SQLITE_LOCKED: throw .locked(path: path)
      default: throw .failed(path: path, what: what)
      }
    } catch is RowFlaw {
      throw .damaged(path: path, what: "a row holds what no catalogue has")
    } catch {
      throw .failed(path: path, what: "\(error)")
    }
  }
}
