/// The second byte of every frame (docs/protocol.md 2.2).
public struct FrameType: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt8

  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  @inlinable public static var hello: FrameType { FrameType(rawValue: 0x01) }
  @inlinable public static var response: FrameType { FrameType(rawValue: 0x02) }
  @inlinable public static var authProof: FrameType { FrameType(rawValue: 0x03) }
  @inlinable public static var final: FrameType { FrameType(rawValue: 0x04) }
  @inlinable public static var data: FrameType { FrameType(rawValue: 0x10) }
  @inlinable public static var ack: FrameType { FrameType(rawValue: 0x11) }
  @inlinable public static var nack: FrameType { FrameType(rawValue: 0x12) }
  @inlinable public static var keepAlive: FrameType { FrameType(rawValue: 0x13) }
  @inlinable public static var keepAliveAck: FrameType { FrameType(rawValue: 0x14) }
  @inlinable public static var bundle: FrameType { FrameType(rawValue: 0x15) }
  @inlinable public static var rekeyOffer: FrameType { FrameType(rawValue: 0x16) }
  @inlinable public static var rekeyAccept: FrameType { FrameType(rawValue: 0x17) }
  @inlinable public static var identity: FrameType { FrameType(rawValue: 0x18) }
  @inlinable public static var skip: FrameType { FrameType(rawValue: 0x19) }
  @inlinable public static var seedUpdate: FrameType { FrameType(rawValue: 0x1A) }
  @inlinable public static var streamOpen: FrameType { FrameType(rawValue: 0x20) }
  @inlinable public static var streamClose: FrameType { FrameType(rawValue: 0x21) }
  @inlinable public static var streamFin: FrameType { FrameType(rawValue: 0x22) }
  @inlinable public static var sessionClose: FrameType { FrameType(rawValue: 0x30) }
  @inlinable public static var error: FrameType { FrameType(rawValue: 0xFF) }

  /// Handshake frames end in a CRC-32 and carry their own protection.
  @inlinable public var isHandshake: Bool { rawValue >= 0x01 && rawValue <= 0x04 }
  /// Session frames are always opened with the AEAD, whatever their flags say.
  @inlinable public var isSession: Bool { rawValue >= 0x10 }
  /// 0x80–0xFE carry opaque application payloads.
  @inlinable public var isApplication: Bool { rawValue >= 0x80 && rawValue != 0xFF }
}
