/// The flags of a frame header (docs/protocol.md 2.2).
public struct FrameFlags: OptionSet, Hashable, Sendable {
  public let rawValue: UInt16

  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Set on every session frame. The receiver never decides by it.
  @inlinable public static var encrypted: FrameFlags { FrameFlags(rawValue: 1 << 1) }
  @inlinable public static var priority: FrameFlags { FrameFlags(rawValue: 1 << 3) }
  /// First bytes of a message.
  @inlinable public static var messageBegin: FrameFlags { FrameFlags(rawValue: 1 << 6) }
  /// Last bytes of a message.
  @inlinable public static var messageEnd: FrameFlags { FrameFlags(rawValue: 1 << 7) }
  /// A forward-error-correction parity frame.
  @inlinable public static var parity: FrameFlags { FrameFlags(rawValue: 1 << 8) }
  /// On type 0x02 only: this RESPONSE is a RETRY.
  @inlinable public static var retry: FrameFlags { FrameFlags(rawValue: 1 << 9) }

  /// Whole message in one frame.
  @inlinable public static var wholeMessage: FrameFlags { [.messageBegin, .messageEnd] }

  /// Bits 4 and 5: the key epoch modulo 4.
  @inlinable public var keyEpoch: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 4 & 3) }

  @inlinable public func with(keyEpoch epoch: UInt8) -> FrameFlags {
    FrameFlags(rawValue: rawValue & ~0x30 | UInt16(epoch & 3) << 4)
  }

  /// Bits 3 and 6–8 as bits 0 and 1–3 of one byte, as bundles and parity hold them.
  @inlinable public var packed: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 3 & 1 | rawValue >> 5 & 0xE) }

  /// `nil` when a bit beyond those is set.
  public init?(packed: UInt8) {
    guard packed & 0xF0 == 0 else { return nil }
    self.init(rawValue: UInt16(packed & 1) << 3 | UInt16(packed & 0xE) << 5)
  }

  /// The bits a frame of `type` may carry; any other means drop.
  static func allowed(on type: FrameType) -> UInt16 {
    if type.isHandshake { return type == .response ? retry.rawValue : 0 }
    return 0b1_1111_1010 & ~0b100
  }
}
