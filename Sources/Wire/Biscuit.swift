/// The responder's whole handshake state, sealed under its own short-lived key and carried by the
/// initiator, so that nothing is kept before the seed is proven (docs/protocol.md 2.6).
public struct Biscuit: Hashable, Sendable {
  static let byteCount = 216

  public var mode: UInt8
  public var suite: UInt8
  public var pair: UInt32
  public var epoch: UInt32
  public var counter: UInt64
  public var initiatorNoncePrefix: [UInt8]
  public var responderNonce: [UInt8]
  public var initiatorEphemeral: [UInt8]
  public var responderEphemeralPrivate: [UInt8]
  /// Kept beside the private half so that mac2 can be checked without a public-key operation.
  public var responderEphemeral: [UInt8]
  public var transcript1: [UInt8]
  public var addressHash: [UInt8]
  /// Seconds of the responder's monotonic clock.
  public var issuedSeconds: UInt64
  public var maximumDatagram: UInt16

  public init(
    mode: UInt8, suite: UInt8, pair: UInt32, epoch: UInt32, counter: UInt64, initiatorNoncePrefix: [UInt8],
    responderNonce: [UInt8], initiatorEphemeral: [UInt8], responderEphemeralPrivate: [UInt8],
    responderEphemeral: [UInt8], transcript1: [UInt8], addressHash: [UInt8], issuedSeconds: UInt64, maximumDatagram: UInt16
  ) {
    self.mode = mode
    self.suite = suite
    self.pair = pair
    self.epoch = epoch
    self.counter = counter
    self.initiatorNoncePrefix = initiatorNoncePrefix
    self.responderNonce = responderNonce
    self.initiatorEphemeral = initiatorEphemeral
    self.responderEphemeralPrivate = responderEphemeralPrivate
    self.responderEphemeral = responderEphemeral
    self.transcript1 = transcript1
    self.addressHash = addressHash
    self.issuedSeconds = issuedSeconds
    self.maximumDatagram = maximumDatagram
  }

  public init(bytes: [UInt8]) throws(WireError) {
    guard bytes.count == Self.byteCount else { throw .lengthMismatch }
    var reader = ByteReader(bytes.span.bytes)
    let version = try reader.u8()
    guard version == 1 else { throw .unknownVersion(version) }
    mode = try reader.u8()
    suite = try reader.u8()
    guard try reader.u8() == 0 else { throw .reservedNotZero }
    pair = try reader.u32()
    epoch = try reader.u32()
    counter = try reader.u64()
    initiatorNoncePrefix = try reader.array(8)
    responderNonce = try reader.array(32)
    initiatorEphemeral = try reader.array(32)
    responderEphemeralPrivate = try reader.array(32)
    responderEphemeral = try reader.array(32)
    transcript1 = try reader.array(32)
    addressHash = try reader.array(8)
    issuedSeconds = try reader.u64()
    maximumDatagram = try reader.u16()
  }

  public var bytes: [UInt8] {
    ByteWriter.array(capacity: Self.byteCount) { writer in
      writer.u8(1)
      writer.u8(mode)
      writer.u8(suite)
      writer.u8(0)
      writer.u32(pair)
      writer.u32(epoch)
      writer.u64(counter)
      writer.bytes(initiatorNoncePrefix)
      writer.bytes(responderNonce)
      writer.bytes(initiatorEphemeral)
      writer.bytes(responderEphemeralPrivate)
      writer.bytes(responderEphemeral)
      writer.bytes(transcript1)
      writer.bytes(addressHash)
      writer.u64(issuedSeconds)
      writer.u16(maximumDatagram)
      writer.zeros(Self.byteCount - writer.count)
    }
  }
}

/// A biscuit as it travels: `key id | 0 3 | salt 16 | ciphertext 216 | tag 16`.
public struct SealedBiscuit: Hashable, Sendable {
  public static let byteCount = 252

  public var keyID: UInt8
  public var salt: [UInt8]
  /// Ciphertext and tag.
  public var sealed: [UInt8]

  public init(keyID: UInt8, salt: [UInt8], sealed: [UInt8]) {
    self.keyID = keyID
    self.salt = salt
    self.sealed = sealed
  }

  public init(bytes: [UInt8]) throws(WireError) {
    guard bytes.count == Self.byteCount else { throw .lengthMismatch }
    var reader = ByteReader(bytes.span.bytes)
    keyID = try reader.u8()
    guard try reader.array(3) == [0, 0, 0] else { throw .reservedNotZero }
    salt = try reader.array(16)
    sealed = try reader.array(232)
  }

  public var bytes: [UInt8] { [keyID, 0, 0, 0] + salt + sealed }
}
