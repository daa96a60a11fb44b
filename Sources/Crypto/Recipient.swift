import Crypto

/// Who may open recordings without the collector being able to: the public half of an X-Wing key
/// (ML-KEM-768 with X25519, draft-connolly-cfrg-xwing-kem).
public struct RecipientPublicKey: Hashable, Sendable {
  public static let byteCount = 1216

  private let key: XWingMLKEM768X25519.PublicKey
  public let bytes: [UInt8]

  /// `nil` unless `bytes` is such a key.
  public init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount, let key = try? XWingMLKEM768X25519.PublicKey(rawRepresentation: bytes) else {
      return nil
    }
    self.key = key
    self.bytes = bytes
  }

  /// The first 16 bytes of SHA-256 over the key.
  public var identifier: [UInt8] { Array(digest(bytes).prefix(16)) }

  /// Wraps a segment's key and the first key of its chain; `nil` when the library can't encapsulate,
  /// which takes its own randomness.
  public func wrap(_ key: SegmentKey, chain: Secret) -> [UInt8]? {
    guard let made = try? self.key.encapsulate() else { return nil }
    let wrapping = expandLabel(made.sharedSecret, "wrap recipient", key.segment)
    return Array(made.encapsulated)
      + Suite.chaCha20Poly1305.seal(
        key.secret.bytes + chain.bytes, key: wrapping, nonce: Array(repeating: 0, count: 12),
        additional: key.segment + identifier)
  }

  public static func == (left: Self, right: Self) -> Bool { left.bytes == right.bytes }
  public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}

/// The half that stays with the recipient, best offline.
public struct RecipientKey: Sendable {
  private static let encapsulatedByteCount = 1120

  private let key: XWingMLKEM768X25519.PrivateKey
  public let publicKey: RecipientPublicKey

  /// From 32 random bytes; `nil` for another length.
  public init?(seed: [UInt8]) {
    guard seed.count == 32, let key = try? XWingMLKEM768X25519.PrivateKey(seedRepresentation: seed, publicKey: nil),
      let publicKey = RecipientPublicKey(bytes: Array(key.publicKey.rawRepresentation))
    else { return nil }
    self.key = key
    self.publicKey = publicKey
  }

  public func unwrap(_ wrapped: [UInt8], segment: [UInt8]) -> (key: SegmentKey, chain: Secret)? {
    guard wrapped.count > Self.encapsulatedByteCount,
      let shared = try? key.decapsulate(collection(wrapped.prefix(Self.encapsulatedByteCount), like: key.seedRepresentation))
    else { return nil }
    let wrapping = expandLabel(shared, "wrap recipient", segment)
    guard
      let keys = Suite.chaCha20Poly1305.open(
        Array(wrapped.dropFirst(Self.encapsulatedByteCount)), key: wrapping, nonce: Array(repeating: 0, count: 12),
        additional: segment + publicKey.identifier), keys.count == 64
    else { return nil }
    return (
      SegmentKey(Secret(bytes: Array(keys.prefix(32))), segment: segment), Secret(bytes: Array(keys.suffix(32)))
    )
  }
}

/// `bytes` as the collection the library asks for, which the core doesn't import.
private func collection<Bytes: RangeReplaceableCollection>(_ bytes: ArraySlice<UInt8>, like: Bytes) -> Bytes
where Bytes.Element == UInt8 {
  Bytes(bytes)
}
