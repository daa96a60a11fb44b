import STTSession
import STTWire

/// One step of a sequence, as an input's bytes say it.
enum PeerStep {
  /// A packet of the peer's, sealed under the right keys.
  case packet(FrameType, flags: UInt16, stream: UInt16, plaintext: [UInt8])
  /// The packet before the last, once more; `flip` damages a byte of it.
  case again(back: Int, flip: UInt16)
  /// A packet that is lost.
  case lost
  case ratchet
  /// Nanoseconds.
  case time(UInt64)
  /// A message of ours, so that there is something to acknowledge.
  case message(stream: Int, byteCount: Int)
  case finish(stream: Int)
  case durable(token: Int, below: UInt64)
  case accepting(Bool)
  case close
  /// What only a target with more than a session does with it.
  case other(UInt8, [UInt8])

  private static let types: [FrameType] = [
    .data, .data, .ack, .ack, .bundle, .bundle, .bundle, .streamOpen, .streamOpen, .skip, .streamFin, .streamClose,
    .keepAlive, .keepAliveAck, .nack, .rekeyOffer, .rekeyAccept, .identity, .seedUpdate, .sessionClose, .error,
    FrameType(rawValue: 0x80), FrameType(rawValue: 0x40),
  ]

  init(_ reader: inout InputReader) {
    let choice = reader.u8()
    switch choice % 16 {
    case 0...6:
      let type = Self.types[Int(reader.u8()) % Self.types.count]
      let flags = UInt16(reader.u8()) << 3
      let stream = UInt16(reader.u8() % 16)
      let length = Int(reader.u16() % 1400)
      self = .packet(type, flags: flags, stream: stream, plaintext: reader.bytes(length))
    case 7: self = .again(back: Int(reader.u8() % 8), flip: reader.u16())
    case 8: self = choice & 16 == 0 ? .lost : .ratchet
    case 9: self = .time(UInt64(reader.u8()) * 1_000_000)
    case 10: self = .time(UInt64(reader.u16()) * 50_000_000)
    case 11: self = .message(stream: Int(reader.u8() % 3), byteCount: Int(reader.u16() % 8000))
    case 12: self = .durable(token: Int(reader.u8() % 8), below: UInt64(reader.u16()))
    case 13: self = .accepting(choice & 16 == 0)
    case 14:
      let stream = Int(reader.u8() % 3)
      self = choice & 0xF0 == 0xF0 ? .close : .finish(stream: stream)
    default:
      let kind = reader.u8()
      self = .other(kind, reader.bytes(Int(reader.u16() % 600)))
    }
  }

  /// Steps of one input; more make it slow and find nothing new.
  static let most = 200
}
