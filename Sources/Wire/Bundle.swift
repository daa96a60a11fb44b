/// The head of one frame inside a BUNDLE: `type u8 | flags u8 | stream u16 | sequence u32 |
/// length u16`, then the payload as that type has it (docs/protocol.md 2.2).
///
/// The flags byte holds bits 3 and 6–8 of ``FrameFlags`` as its bits 0 and 1–3.
public struct BundledFrame: Hashable, Sendable {
  public static let headByteCount = 10

  public var type: FrameType
  public var flags: FrameFlags
  public var stream: UInt16
  public var sequence: UInt32
  public var payloadByteCount: UInt16

  public init(
    type: FrameType, flags: FrameFlags = [], stream: UInt16, sequence: UInt32 = 0, payloadByteCount: Int
  ) {
    precondition(payloadByteCount >= 0 && payloadByteCount <= Int(UInt16.max), "a bundled frame fits a datagram")
    self.type = type
    self.flags = flags
    self.stream = stream
    self.sequence = sequence
    self.payloadByteCount = UInt16(payloadByteCount)
  }

  /// Reads one head; `reader` has at least ``payloadByteCount`` bytes left afterwards.
  public init(_ reader: inout ByteReader) throws(WireError) {
    type = FrameType(rawValue: try reader.u8())
    // A bundle in a bundle would make parsing recursive, and a handshake frame has no business here.
    guard type.isSession, type != .bundle else { throw .unexpectedType(type.rawValue) }
    let packed = try reader.u8()
    guard let flags = FrameFlags(packed: packed) else { throw .forbiddenFlags(UInt16(packed)) }
    self.flags = flags
    stream = try reader.u16()
    sequence = try reader.u32()
    payloadByteCount = try reader.u16()
    guard Int(payloadByteCount) <= reader.left else { throw .truncated }
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u8(type.rawValue)
    writer.u8(flags.packed)
    writer.u16(stream)
    writer.u32(sequence)
    writer.u16(payloadByteCount)
  }
}
