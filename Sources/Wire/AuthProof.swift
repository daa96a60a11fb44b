/// One datagram of AUTH_PROOF (docs/protocol.md 2.7).
///
/// `0 session 8 | 8 fragment (index << 4 | count) | 9 0 3 | 12 biscuit 252 | 264 mac2 16 | 280 sealed`.
public struct AuthProof: Hashable, Sendable {
  /// Bytes mac2 and the seal's additional data cover.
  public static let authenticatedByteCount = 264
  static let sealedOffset = 280
  /// Proof bytes one 1200-byte datagram holds.
  public static let partCapacity = 876
  /// A proof never needs more parts than this.
  public static let mostFragments = 2

  public var session: SessionID
  public var fragmentIndex: UInt8
  public var fragmentCount: UInt8
  public var biscuit: [UInt8]
  public var mac2: [UInt8]
  /// Ciphertext and tag of this part.
  public var sealed: [UInt8]

  public init(
    session: SessionID, fragmentIndex: UInt8, fragmentCount: UInt8, biscuit: [UInt8],
    mac2: [UInt8] = [UInt8](repeating: 0, count: 16), sealed: [UInt8] = []
  ) {
    self.session = session
    self.fragmentIndex = fragmentIndex
    self.fragmentCount = fragmentCount
    self.biscuit = biscuit
    self.mac2 = mac2
    self.sealed = sealed
  }

  public init(payload: [UInt8]) throws(WireError) {
    var reader = ByteReader(payload.span.bytes)
    session = SessionID(rawValue: try reader.u64())
    let fragment = try reader.u8()
    fragmentIndex = fragment >> 4
    fragmentCount = fragment & 15
    guard fragmentCount >= 1, fragmentCount <= Self.mostFragments, fragmentIndex < fragmentCount else {
      throw .invalidValue
    }
    guard try reader.array(3) == [0, 0, 0] else { throw .reservedNotZero }
    biscuit = try reader.array(SealedBiscuit.byteCount)
    mac2 = try reader.array(16)
    guard reader.left >= 16, reader.left <= Self.partCapacity + 16 else { throw .lengthMismatch }
    sealed = try reader.array(reader.left)
  }

  /// The bytes before mac2.
  public var authenticated: [UInt8] {
    ByteWriter.array(capacity: Self.authenticatedByteCount) { writer in
      writer.u64(session.rawValue)
      writer.u8(fragmentIndex << 4 | fragmentCount)
      writer.zeros(3)
      writer.bytes(biscuit)
    }
  }

  public var payload: [UInt8] { authenticated + mac2 + sealed }
}

/// What the parts of an AUTH_PROOF spell, joined.
public struct ProofContent: Hashable, Sendable {
  public static let kemPublicKeyByteCount = 1184

  public var session: SessionID
  public var proof: [UInt8]
  /// Empty in SEED mode.
  public var kemPublicKey: [UInt8]
  public var parameters: SessionParameters

  public init(session: SessionID, proof: [UInt8], kemPublicKey: [UInt8], parameters: SessionParameters) {
    self.session = session
    self.proof = proof
    self.kemPublicKey = kemPublicKey
    self.parameters = parameters
  }

  public init(bytes: [UInt8], hybrid: Bool) throws(WireError) {
    var reader = ByteReader(bytes.span.bytes)
    session = SessionID(rawValue: try reader.u64())
    proof = try reader.array(32)
    kemPublicKey = try reader.array(hybrid ? Self.kemPublicKeyByteCount : 0)
    parameters = try SessionParameters(bytes: try reader.array(reader.left))
  }

  public var bytes: [UInt8] {
    ByteWriter.array(capacity: 8) { $0.u64(session.rawValue) } + proof + kemPublicKey + parameters.bytes
  }
}
