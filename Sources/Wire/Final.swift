/// FINAL, always one datagram (docs/protocol.md 2.8).
///
/// `0 session 8 | 8 status | 9 0 3 | 12 ML-KEM ciphertext 1088 (HYBRID) | sealed parameters`.
public struct Final: Hashable, Sendable {
  public static let kemCiphertextByteCount = 1088

  public var session: SessionID
  /// 0 is success; others are sealed failures, sent only to a proven seed.
  public var status: UInt8
  /// Empty in SEED mode.
  public var kemCiphertext: [UInt8]
  /// Ciphertext and tag.
  public var sealed: [UInt8]

  public init(session: SessionID, status: UInt8 = 0, kemCiphertext: [UInt8], sealed: [UInt8] = []) {
    self.session = session
    self.status = status
    self.kemCiphertext = kemCiphertext
    self.sealed = sealed
  }

  public init(payload: [UInt8], hybrid: Bool) throws(WireError) {
    var reader = ByteReader(payload.span.bytes)
    session = SessionID(rawValue: try reader.u64())
    status = try reader.u8()
    guard try reader.array(3) == [0, 0, 0] else { throw .reservedNotZero }
    kemCiphertext = try reader.array(hybrid && status == 0 ? Self.kemCiphertextByteCount : 0)
    guard reader.left >= 16, reader.left <= 16 + SessionParameters.mostBytes else { throw .lengthMismatch }
    sealed = try reader.array(reader.left)
  }

  /// The bytes before the sealed part: what the transcript and the seal's additional data cover.
  public var authenticated: [UInt8] {
    ByteWriter.array(capacity: 12 + kemCiphertext.count) { writer in
      writer.u64(session.rawValue)
      writer.u8(status)
      writer.zeros(3)
      writer.bytes(kemCiphertext)
    }
  }

  public var payload: [UInt8] { authenticated + sealed }
}
