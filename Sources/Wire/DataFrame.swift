/// The start of a DATA payload: `message u64`, and for parts of a message also
/// `total u32 | offset u32`; the message's bytes follow (docs/protocol.md 2.2).
public struct DataPrefix: Hashable, Sendable {
  public static let wholeByteCount = 8
  public static let partByteCount = 16
  /// The largest message, its sixteen bytes of time included.
  public static let largestMessage = 16 << 20

  /// Message numbers stay below: at a million a second, for 146,000 years.
  public static let numberLimit: UInt64 = 1 << 62

  /// Number of the message in its stream and incarnation, for ever.
  public var message: UInt64
  /// Bytes of the whole message.
  public var total: UInt32
  /// Where in the message these bytes belong.
  public var offset: UInt32

  public init(message: UInt64, total: UInt32, offset: UInt32) {
    self.message = message
    self.total = total
    self.offset = offset
  }

  /// Reads the prefix of `payload`; what `reader` has left afterwards are the bytes, and they fit
  /// into the message.
  public init(_ reader: inout ByteReader, flags: FrameFlags) throws(WireError) {
    message = try reader.messageNumber()
    if flags.isSuperset(of: .wholeMessage) {
      guard reader.left <= Self.largestMessage else { throw .invalidValue }
      total = UInt32(reader.left)
      offset = 0
    } else {
      total = try reader.u32()
      offset = try reader.u32()
      guard total > 0, total <= UInt32(Self.largestMessage), reader.left > 0,
        UInt64(offset) + UInt64(reader.left) <= UInt64(total)
      else { throw .invalidValue }
    }
  }

  public func write(_ writer: inout ByteWriter, flags: FrameFlags) {
    writer.u64(message)
    guard !flags.isSuperset(of: .wholeMessage) else { return }
    writer.u32(total)
    writer.u32(offset)
  }
}

extension ByteReader {
  /// A message number, or one past the last: far from where counting on would overflow.
  mutating func messageNumber() throws(WireError) -> UInt64 {
    let number = try u64()
    guard number < DataPrefix.numberLimit else { throw .invalidValue }
    return number
  }
}

/// The sixteen bytes every message begins with: when its first sample was taken
/// (docs/protocol.md 2.15).
public struct MessageTime: Hashable, Sendable {
  public static let byteCount = 16

  public var monotonicNanoseconds: UInt64
  public var wallNanoseconds: UInt64

  public init(monotonicNanoseconds: UInt64, wallNanoseconds: UInt64) {
    self.monotonicNanoseconds = monotonicNanoseconds
    self.wallNanoseconds = wallNanoseconds
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    monotonicNanoseconds = try reader.u64()
    wallNanoseconds = try reader.u64()
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u64(monotonicNanoseconds)
    writer.u64(wallNanoseconds)
  }
}
