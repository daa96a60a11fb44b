/// The head of a part of a control message (REKEY_OFFER, REKEY_ACCEPT, IDENTITY, SEED_UPDATE):
/// `number u32 | total u32 | offset u32`, then bytes (docs/protocol.md 2.2).
///
/// `number` counts a direction's control messages from 0.
public struct ControlPart: Hashable, Sendable {
  public static let headByteCount = 12

  public var number: UInt32
  /// Bytes of the whole message.
  public var total: UInt32
  public var offset: UInt32

  public init(number: UInt32, total: UInt32, offset: UInt32) {
    self.number = number
    self.total = total
    self.offset = offset
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    number = try reader.u32()
    total = try reader.u32()
    offset = try reader.u32()
    guard total > 0, offset < total else { throw .invalidValue }
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u32(number)
    writer.u32(total)
    writer.u32(offset)
  }
}
