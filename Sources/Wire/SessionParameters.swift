/// What each side tells the other about itself inside AUTH_PROOF and FINAL: `type u8 | length u8 |
/// value`, repeated. Unknown types are skipped, so that later versions may add some.
public struct SessionParameters: Hashable, Sendable {
  /// FINAL has room for no more (docs/protocol.md 2.8).
  public static let mostBytes = 56

  /// 0x01 (u32): bytes of messages, over all streams, this side is ready to hold.
  public var sessionWindow: UInt32
  /// 0x02 (u16): milliseconds within which this side acknowledges what it received.
  public var acknowledgementDelayMilliseconds: UInt16
  /// 0x03 (u16): streams the other side may have open at once.
  public var streamLimit: UInt16

  public init(
    sessionWindow: UInt32 = 64 << 20, acknowledgementDelayMilliseconds: UInt16 = 25, streamLimit: UInt16 = 256
  ) {
    self.sessionWindow = sessionWindow
    self.acknowledgementDelayMilliseconds = acknowledgementDelayMilliseconds
    self.streamLimit = streamLimit
  }

  public init(bytes: [UInt8]) throws(WireError) {
    guard bytes.count <= Self.mostBytes else { throw .trailingBytes }
    self.init()
    var reader = ByteReader(bytes.span.bytes)
    while reader.left > 0 {
      let type = try reader.u8()
      let length = Int(try reader.u8())
      switch (type, length) {
      case (0x01, 4): sessionWindow = try reader.u32()
      case (0x02, 2): acknowledgementDelayMilliseconds = try reader.u16()
      case (0x03, 2): streamLimit = try reader.u16()
      case (0x01, _), (0x02, _), (0x03, _): throw .lengthMismatch
      default: _ = try reader.array(length)
      }
    }
  }

  public var bytes: [UInt8] {
    ByteWriter.array(capacity: 14) { writer in
      writer.u8(0x01)
      writer.u8(4)
      writer.u32(sessionWindow)
      writer.u8(0x02)
      writer.u8(2)
      writer.u16(acknowledgementDelayMilliseconds)
      writer.u8(0x03)
      writer.u8(2)
      writer.u16(streamLimit)
    }
  }
}
