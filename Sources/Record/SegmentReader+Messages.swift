import STTSample

extension SegmentReader {
  /// Calls `body` with every message of the chunk ``next()`` found, from its first on. Messages of files
  /// that are not ours get their sequence number and publish time as identity.
  public mutating func forEachMessage(_ body: (borrowing RecordedMessage) throws -> Void) throws {
    messageOffset = 0
    messageIndex = 0
    while try takeMessage(body) {}
  }

  /// Calls `body` with the next message of the chunk in hand; `false` at its end.
  public mutating func takeMessage(_ body: (borrowing RecordedMessage) throws -> Void) throws -> Bool {
    let bytes = chunk.unsafeBytes
    guard let (start, end) = nextMessage() else {
      guard identities.isEmpty || identities.count == messageIndex else {
        throw altered(chunkOffset, "a chunk has \(messageIndex) messages and \(identities.count) identities")
      }
      return false
    }
    var cursor = RecordCursor(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes[start..<end])))
    guard let channel = cursor.u16(), let sequence = cursor.u32(), let logTime = cursor.u64(),
      let publishTime = cursor.u64()
    else { throw altered(chunkOffset, "a message is shorter than its head") }
    guard channels[channel] != nil else { throw altered(chunkOffset, "a message names a channel that is not there") }
    var identity = MessageIdentity(
      channel: channel, number: UInt64(sequence),
      deviceTime: .init(monotonicNanoseconds: 0, wallNanoseconds: publishTime))
    if messageIndex < identities.count { identity = identities[messageIndex] }
    guard identity.channel == channel, UInt32(truncatingIfNeeded: identity.number) == sequence else {
      throw altered(chunkOffset, "a message and its identity disagree")
    }
    messageOffset = end
    messageIndex += 1
    try body(RecordedMessage(identity: identity, logTime: logTime, publishTime: publishTime, payload: cursor.rest()))
    return true
  }

  /// When the message that ``takeMessage(_:)`` takes next was received; `nil` at the chunk's end.
  public mutating func nextLogTime() -> UInt64? {
    guard let (start, end) = nextMessage(), end - start >= 14 else { return nil }
    return UInt64(littleEndian: chunk.unsafeBytes.loadUnaligned(fromByteOffset: start + 6, as: UInt64.self))
  }

  /// Where the content of the next message lies, past whatever else is before it. The chunk's records were
  /// walked before: their lengths lie inside it.
  private mutating func nextMessage() -> (start: Int, end: Int)? {
    let bytes = chunk.unsafeBytes
    while bytes.count - messageOffset >= MCAP.recordHeadByteCount {
      let start = messageOffset + MCAP.recordHeadByteCount
      let length = Int(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: messageOffset + 1, as: UInt64.self)))
      if bytes[messageOffset] == MCAP.Opcode.message { return (start, start + length) }
      messageOffset = start + length
    }
    return nil
  }
}
