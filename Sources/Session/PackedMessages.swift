import STTBuffers

/// Small messages that are whole and wait for an earlier one: many share a buffer, or one lost datagram of samples would cost
/// a buffer for each that follows it.
struct PackedMessages: ~Copyable {
  /// Bytes of a message that is packed with others.
  static let largest = 512
  /// Bytes of a buffer at least, where there are such.
  private static let bufferByteCount = 2048

  private var buffers = HeldBuffers()
  private var filling = HeldBuffers.Filling()
  private var messageCount = 0

  /// Copies a message of at most ``largest`` bytes. `nil`: it takes another buffer, and `lease` has none.
  mutating func add(_ number: UInt64, _ bytes: RawSpan, _ lease: (Int) -> Lease?) -> PackedMessage? {
    let byteCount = bytes.byteCount
    guard
      let place = buffers.fill(&filling, with: bytes, lease: { lease(Self.bufferByteCount) ?? lease(byteCount) })
    else { return nil }
    messageCount += 1
    return PackedMessage(number: number, slot: place.slot, offset: place.offset, byteCount: Int32(byteCount))
  }

  func withBytes<R>(of message: PackedMessage, _ body: (RawSpan) -> R) -> R {
    body(
      RawSpan(
        _unsafeStart: buffers.base(message.slot) + Int(message.offset), byteCount: Int(message.byteCount)))
  }

  /// Forgets a message; the last one of a buffer gives that back.
  mutating func release(_ message: PackedMessage) {
    buffers.release(message.slot)
    messageCount -= 1
    if messageCount == 0 { buffers.end(&filling) }
  }
}

/// Where one of them is.
struct PackedMessage {
  let number: UInt64
  let slot: Int32
  let offset: Int32
  let byteCount: Int32
}
