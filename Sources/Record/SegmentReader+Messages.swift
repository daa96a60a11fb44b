extension SegmentReader {
  /// Calls `body` with every message of the chunk ``next()`` found, from its first on. Messages of files
  /// that are not ours get their sequence number and publish time as identity.
  public mutating func forEachMessage(_ body: (borrowing RecordedMessage) throws -> Void) throws {
    try chunk.forEachMessage(body)
  }

  /// Calls `body` with the next message of the chunk in hand; `false` at its end.
  public mutating func takeMessage(_ body: (borrowing RecordedMessage) throws -> Void) throws -> Bool {
    try chunk.takeMessage(body)
  }

  /// When the message that ``takeMessage(_:)`` takes next was received; `nil` at the chunk's end.
  public mutating func nextLogTime() -> UInt64? { chunk.nextLogTime() }
}
