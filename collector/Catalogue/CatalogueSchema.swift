import GRDB

/// The catalogue's tables. A file whose tables are not exactly these is not used: it may have triggers or views that
/// somebody put there.
enum CatalogueSchema {
  /// "STTc", in the file's head.
  static let applicationID: Int64 = 0x5354_5463
  /// Rises with every change of the tables; an older catalogue is made anew.
  static let version: Int64 = 1

  static let statements = [
    """
    CREATE TABLE folder (
      id INTEGER PRIMARY KEY, device TEXT NOT NULL, purpose TEXT NOT NULL, removed_through INTEGER NOT NULL,
      UNIQUE (device, purpose)) STRICT
    """,
    """
    CREATE TABLE segment (
      id INTEGER PRIMARY KEY, folder INTEGER NOT NULL REFERENCES folder ON DELETE CASCADE, number INTEGER NOT NULL,
      name TEXT NOT NULL, bytes INTEGER NOT NULL, state TEXT NOT NULL, first_received INTEGER, last_received INTEGER,
      messages INTEGER, chunks INTEGER NOT NULL, checksum INTEGER, segment_id TEXT, previous_head TEXT, head TEXT,
      seals INTEGER, slots TEXT, UNIQUE (folder, name)) STRICT
    """,
    """
    CREATE TABLE stream (
      segment INTEGER NOT NULL REFERENCES segment ON DELETE CASCADE, channel INTEGER NOT NULL, name TEXT NOT NULL,
      schema TEXT NOT NULL, uid TEXT NOT NULL, incarnation TEXT NOT NULL, delivery TEXT NOT NULL,
      durability TEXT NOT NULL, messages INTEGER NOT NULL, first_number INTEGER, end_number INTEGER,
      first_received INTEGER, last_received INTEGER, PRIMARY KEY (segment, channel)) STRICT
    """,
    """
    CREATE TABLE gap (
      segment INTEGER NOT NULL REFERENCES segment ON DELETE CASCADE, stream TEXT NOT NULL, begin INTEGER NOT NULL,
      until INTEGER NOT NULL) STRICT
    """,
    """
    CREATE TABLE set_aside (
      folder INTEGER NOT NULL REFERENCES folder ON DELETE CASCADE, name TEXT NOT NULL, bytes INTEGER NOT NULL,
      PRIMARY KEY (folder, name)) STRICT
    """,
    "CREATE INDEX segment_time ON segment (folder, last_received)",
    "CREATE INDEX stream_name ON stream (name)",
    "CREATE INDEX gap_segment ON gap (segment)",
  ]

  static func create(_ db: Database) throws {
    for statement in statements { try db.execute(sql: statement) }
    try db.execute(sql: "PRAGMA application_id = \(applicationID)")
    try db.execute(sql: "PRAGMA user_version = \(version)")
  }

  /// What is wrong with it; `nil` when it is ours.
  static func flaw(_ db: Database) throws -> String? {
    guard try Int64.fetchOne(db, sql: "PRAGMA application_id") == applicationID else { return "it is no catalogue of STT" }
    let found = try Int64.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    guard found == version else { return "it has version \(found), and this program writes \(version)" }
    let tables = try String.fetchAll(
      db, sql: "SELECT coalesce(sql, '') FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql")
    guard tables == statements.sorted() else { return "its tables are not those of a catalogue" }
    return nil
  }
}
