import STTSession
import STTWire

/// Which message of which stream comes next, over all sessions: what makes recording exactly once.
///
/// Lives on the receive thread that has the devices' sessions. The recorder fills it at start with what it found on disk, and
/// moves the durable marks.
struct StreamLedger {
  struct Key: Hashable {
    var device: String
    var uid: StreamUID
    var incarnation: UInt64
  }

  struct Entry {
    var key: Key
    var position: UInt64
    var durable: UInt64
    /// What its device calls it; empty until it was opened since the collector's start.
    var name = ""
    /// The session the stream is open in, or -1.
    var session = -1
  }

  private(set) var entries: [Entry] = []
  private var tokens: [Key: Int] = [:]

  /// What a recording found at start holds: everything below `position` is on disk.
  mutating func recovered(_ key: Key, position: UInt64) {
    let token = token(of: key, first: position)
    entries[token].position = max(entries[token].position, position)
    entries[token].durable = max(entries[token].durable, position)
  }

  /// The stream's token; a new one begins at `first`.
  mutating func token(of key: Key, first: UInt64) -> Int {
    if let token = tokens[key] { return token }
    let token = entries.count
    tokens[key] = token
    entries.append(Entry(key: key, position: first, durable: first))
    return token
  }

  mutating func opened(_ token: Int, name: String, session: Int) {
    entries[token].name = name
    entries[token].session = session
  }

  func name(of token: Int) -> String { entries[token].name }

  mutating func delivered(_ token: Int, _ number: UInt64) {
    if number >= entries[token].position { entries[token].position = number + 1 }
  }

  mutating func skipped(_ token: Int, to end: UInt64) {
    entries[token].position = max(entries[token].position, end)
  }

  mutating func durable(_ mark: DurableMark) {
    entries[mark.token].durable = max(entries[mark.token].durable, mark.number)
  }

  mutating func sessionEnded(_ session: Int) {
    for index in entries.indices where entries[index].session == session { entries[index].session = -1 }
  }
}
