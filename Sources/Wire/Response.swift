/// RESPONSE, the stateless answer to a HELLO (docs/protocol.md 2.6).
///
/// `0 version | 1 mode | 2 suite u16 | 4 max_udp u16 | 6 0 u16 | 8 nonce_I[0..8) | 16 nonce_R 32 |
/// 48 X25519 32 | 80 biscuit 252 | 332 challenge 80`.
public struct Response: Hashable, Sendable {
  public static let payloadByteCount = 412
  /// Bytes the transcript sees: all before the challenge.
  public static let transcriptByteCount = 332

  public var mode: UInt8
  public var suite: UInt16
  public var maximumDatagram: UInt16
  public var initiatorNoncePrefix: [UInt8]
  public var nonce: [UInt8]
  public var ephemeral: [UInt8]
  public var biscuit: [UInt8]
  public var challenge: [UInt8]

  public init(
    mode: UInt8, suite: UInt16, maximumDatagram: UInt16, initiatorNoncePrefix: [UInt8], nonce: [UInt8],
    ephemeral: [UInt8], biscuit: [UInt8], challenge: [UInt8] = [UInt8](repeating: 0, count: 80)
  ) {
    self.mode = mode
    self.suite = suite
    self.maximumDatagram = maximumDatagram
    self.initiatorNoncePrefix = initiatorNoncePrefix
    self.nonce = nonce
    self.ephemeral = ephemeral
    self.biscuit = biscuit
    self.challenge = challenge
  }

  public init(payload: [UInt8]) throws(WireError) {
    guard payload.count == Self.payloadByteCount else { throw .lengthMismatch }
    var reader = ByteReader(payload.span.bytes)
    let version = try reader.u8()
    guard version == Hello.handshakeVersion else { throw .unknownVersion(version) }
    mode = try reader.u8()
    suite = try reader.u16()
    maximumDatagram = try reader.u16()
    guard try reader.u16() == 0 else { throw .reservedNotZero }
    initiatorNoncePrefix = try reader.array(8)
    nonce = try reader.array(32)
    ephemeral = try reader.array(32)
    biscuit = try reader.array(SealedBiscuit.byteCount)
    challenge = try reader.array(80)
  }

  public var payload: [UInt8] {
    ByteWriter.array(capacity: Self.payloadByteCount) { writer in
      writer.u8(Hello.handshakeVersion)
      writer.u8(mode)
      writer.u16(suite)
      writer.u16(maximumDatagram)
      writer.u16(0)
      writer.bytes(initiatorNoncePrefix)
      writer.bytes(nonce)
      writer.bytes(ephemeral)
      writer.bytes(biscuit)
      writer.bytes(challenge)
    }
  }
}

/// RETRY: prove that you receive at your address (docs/protocol.md 2.5). 92 bytes as a datagram.
public struct Retry: Hashable, Sendable {
  public static let payloadByteCount = 64

  public var initiatorNonce: [UInt8]
  public var token: [UInt8]

  public init(initiatorNonce: [UInt8], token: [UInt8]) {
    self.initiatorNonce = initiatorNonce
    self.token = token
  }

  public init(payload: [UInt8]) throws(WireError) {
    guard payload.count == Self.payloadByteCount else { throw .lengthMismatch }
    var reader = ByteReader(payload.span.bytes)
    initiatorNonce = try reader.array(32)
    token = try reader.array(32)
  }

  public var payload: [UInt8] { initiatorNonce + token }
}
