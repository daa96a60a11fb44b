import STTBuffers

/// Small messages that are whole and wait for an earlier one: many share a buffer, or one lost datagram of samples would cost
/// a buffer for each that follows it.
struct PackedMessages: ~Copyable {
  /// Bytes of a message that is packed with others.
  static let largest = 512
  /// Bytes of a buffer at least, where there are such.
  private static let bufferByteCount = 2048

  private var buffers = HeldBuffers()
  /// The buffer that is being filled; it holds one reference of its own.
  private var filling: Int32 = -1
  private var used = 0
  private var capacity = 0
  private var messageCount = 0

  /// Copies a message of at most ``largest`` bytes. `nil`: it takes another buffer, and `lease` has none.
  mutating func add(_ number: UInt64, _ bytes: RawSpan, _ lease: (Int) -> Lease?) -> PackedMessage? {
    if capacity - used < bytes.byteCount {
      endBuffer()
      guard let fresh = lease(Self.bufferByteCount) ?? lease(bytes.byteCount) else { return nil }
      capacity = fresh.capacity
      used = 0
      filling = buffers.hold(fresh, references: 1)
    }
    let memory = UnsafeMutableRawPointer(mutating: buffers.base(filling)) + used
    bytes.withUnsafeBytes { source in
      if let start = source.baseAddress { memory.copyMemory(from: start, byteCount: source.count) }
    }
    buffers.retain(filling)
    messageCount += 1
    let message = PackedMessage(number: number, slot: filling, offset: Int32(used), byteCount: Int32(bytes.byteCount))
    used += bytes.byteCount
    return message
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
    if messageCount == 0 { endBuffer() }
  }

  private mutating func endBuffer() {
    if filling >= 0 { buffers.release(filling) }
    filling = -1
    capacity = 0
    used = 0
  }
}

/// Where one of them is.
struct PackedMessage {
  let number: UInt64
  let slot: Int32
  let offset: Int32
  let byteCount: Int32
}
