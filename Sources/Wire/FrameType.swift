/// The second byte of every frame (docs/protocol.md 2.2).
public struct FrameType: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let hello = FrameType(rawValue: 0x01)
  public static let response = FrameType(rawValue: 0x02)
  public static let authProof = FrameType(rawValue: 0x03)
  public static let final = FrameType(rawValue: 0x04)
  public static let data = FrameType(rawValue: 0x10)
  public static let ack = FrameType(rawValue: 0x11)
  public static let nack = FrameType(rawValue: 0x12)
  public static let keepAlive = FrameType(rawValue: 0x13)
  public static let keepAliveAck = FrameType(rawValue: 0x14)
  public static let bundle = FrameType(rawValue: 0x15)
  public static let rekeyOffer = FrameType(rawValue: 0x16)
  public static let rekeyAccept = FrameType(rawValue: 0x17)
  public static let identity = FrameType(rawValue: 0x18)
  public static let skip = FrameType(rawValue: 0x19)
  public static let seedUpdate = FrameType(rawValue: 0x1A)
  public static let streamOpen = FrameType(rawValue: 0x20)
  public static let streamClose = FrameType(rawValue: 0x21)
  public static let streamFin = FrameType(rawValue: 0x22)
  public static let sessionClose = FrameType(rawValue: 0x30)
  public static let error = FrameType(rawValue: 0xFF)

  /// Handshake frames end in a CRC-32 and carry their own protection.
  public var isHandshake: Bool { rawValue >= 0x01 && rawValue <= 0x04 }
  /// Session frames are always opened with the AEAD, whatever their flags say.
  public var isSession: Bool { rawValue >= 0x10 }
  /// 0x80–0xFE carry opaque application payloads.
  public var isApplication: Bool { rawValue >= 0x80 && rawValue != 0xFF }
}
