/// A whole message in a BUNDLE, read and written in one go: the head of its frame, its number, its time and its payload, as
/// ``BundledFrame``, ``DataPrefix`` and ``MessageTime`` lay them out one by one (docs/protocol.md 2.2, 2.15).
///
/// Small messages come in runs of thousands: here type, flags and stream are one word to compare, and there is one look at what
/// is left.
public struct BundledMessage: Hashable, Sendable {
  /// What a message takes in a bundle beside its payload.
  public static let headByteCount = BundledFrame.headByteCount + DataPrefix.wholeByteCount + MessageTime.byteCount

  public let time: MessageTime
  public let payloadByteCount: Int

  @usableFromInline init(time: MessageTime, payloadByteCount: Int) {
    self.time = time
    self.payloadByteCount = payloadByteCount
  }

  /// What such a frame begins with, as one little-endian number: its type, its flags and its stream.
  @inlinable static func lead(stream: UInt16) -> UInt32 {
    UInt32(FrameType.data.rawValue) | UInt32(FrameFlags.wholeMessage.packed) << 8 | UInt32(stream) << 16
  }

  /// Writes all that comes before the payload.
  ///
  /// - Parameters:
  ///   - memory: room for ``headByteCount`` bytes.
  ///   - payloadByteCount: at most what a datagram holds behind the head.
  @inlinable public static func write(
    unsafe memory: UnsafeMutableRawPointer, stream: UInt16, sequence: UInt32, number: UInt64, time: MessageTime,
    payloadByteCount: Int
  ) {
    let length = DataPrefix.wholeByteCount + MessageTime.byteCount + payloadByteCount
    memory.storeBytes(of: lead(stream: stream).littleEndian, as: UInt32.self)
    memory.storeBytes(of: sequence.littleEndian, toByteOffset: 4, as: UInt32.self)
    memory.storeBytes(of: UInt16(truncatingIfNeeded: length).littleEndian, toByteOffset: 8, as: UInt16.self)
    memory.storeBytes(of: number.littleEndian, toByteOffset: 10, as: UInt64.self)
    memory.storeBytes(of: time.monotonicNanoseconds.littleEndian, toByteOffset: 18, as: UInt64.self)
    memory.storeBytes(of: time.wallNanoseconds.littleEndian, toByteOffset: 26, as: UInt64.self)
  }
}

extension ByteReader {
  /// Reads up to the payload of a frame that holds message `number` of `stream` whole and without any further flag. `nil`: what
  /// comes next is anything else, well-formed or not, or has a payload of more than `largest` bytes, and nothing was read.
  @inlinable public mutating func bundledMessage(stream: UInt16, number: UInt64, largest: Int) -> BundledMessage? {
    guard left >= BundledMessage.headByteCount, number < DataPrefix.numberLimit,
      UInt32(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt32.self))
        == BundledMessage.lead(stream: stream),
      UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position + 10, as: UInt64.self)) == number
    else { return nil }
    let length = Int(UInt16(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position + 8, as: UInt16.self)))
    let payloadByteCount = length - DataPrefix.wholeByteCount - MessageTime.byteCount
    guard payloadByteCount >= 0, payloadByteCount <= min(largest, left - BundledMessage.headByteCount) else { return nil }
    let time = MessageTime(
      monotonicNanoseconds: UInt64(
        littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position + 18, as: UInt64.self)),
      wallNanoseconds: UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position + 26, as: UInt64.self)))
    position += BundledMessage.headByteCount
    return BundledMessage(time: time, payloadByteCount: payloadByteCount)
  }

  /// The stream of the frame that begins here, if it is DATA in a bundle; nothing is read.
  @inlinable public var streamOfData: UInt16? {
    guard left >= BundledFrame.headByteCount, nextByte == FrameType.data.rawValue else { return nil }
    return UInt16(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position + 2, as: UInt16.self))
  }
}

extension ByteWriter {
  /// Where the next `count` bytes go, for who writes all of them. `nil`: there is no room, and nothing happened.
  @inlinable public mutating func reserve(_ count: Int) -> UnsafeMutableRawPointer? {
    guard let base, count <= room else { return nil }
    defer { position += count }
    return base + position
  }
}
