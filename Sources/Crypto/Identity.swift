import Crypto
import STTWire

/// A device's own signing key: proof of who it is beyond the seed it shares (docs/protocol.md 2.12).
///
/// Ed25519 (RFC 8032), ML-DSA-65 (FIPS 204) or both; with both, both signatures must verify, so that
/// forging takes breaking both.
public struct IdentityKey: Sendable {
  public static let seedByteCount = 32

  private let ed25519: Curve25519.Signing.PrivateKey?
  private let mlDSA: MLDSA65.PrivateKey?
  public let publicKey: IdentityPublicKey

  /// From 32 random bytes for each kind of key; `nil` for other lengths, or without any.
  public init?(ed25519 first: [UInt8]?, mlDSA65 second: [UInt8]?) {
    ed25519 = first.flatMap { try? Curve25519.Signing.PrivateKey(rawRepresentation: $0) }
    mlDSA = second.flatMap { try? MLDSA65.PrivateKey(seedRepresentation: $0, publicKey: nil) }
    guard (first == nil) == (ed25519 == nil), (second == nil) == (mlDSA == nil) else { return nil }
    let kinds = (ed25519 == nil ? 0 : IdentityPublicKey.ed25519) | (mlDSA == nil ? 0 : IdentityPublicKey.mlDSA65)
    let bytes =
      (ed25519.map { Array($0.publicKey.rawRepresentation) } ?? [])
      + (mlDSA.map { Array($0.publicKey.rawRepresentation) } ?? [])
    guard let key = IdentityPublicKey(algorithms: kinds, bytes: bytes) else { return nil }
    publicKey = key
  }

  /// The device's proof in one session: IDENTITY's content. ML-DSA signs with the library's own
  /// randomness. `nil` when the library can't sign.
  public func proof(of binding: IdentityBinding) -> IdentityFrame? {
    var signature: [UInt8] = []
    if let ed25519 {
      guard let made = try? ed25519.signature(for: binding.message) else { return nil }
      signature += made
    }
    if let mlDSA {
      guard let made = try? mlDSA.signature(for: binding.message) else { return nil }
      signature += made
    }
    return IdentityFrame(algorithms: publicKey.algorithms, key: publicKey.bytes, signature: signature)
  }
}

/// The half of an ``IdentityKey`` that everybody may know.
public struct IdentityPublicKey: Hashable, Sendable {
  /// Bits of ``algorithms``.
  public static let ed25519: UInt8 = 1
  public static let mlDSA65: UInt8 = 2

  private static let ed25519ByteCount = 32
  private static let mlDSAByteCount = 1952
  private static let ed25519SignatureByteCount = 64
  private static let mlDSASignatureByteCount = 3309

  public let algorithms: UInt8
  /// The Ed25519 key, then the ML-DSA-65 key, as far as there is each.
  public let bytes: [UInt8]

  /// `nil` unless `bytes` has the length that `algorithms` says.
  public init?(algorithms: UInt8, bytes: [UInt8]) {
    guard (1...3).contains(algorithms), bytes.count == Self.byteCount(algorithms, Self.ed25519ByteCount, Self.mlDSAByteCount)
    else { return nil }
    self.algorithms = algorithms
    self.bytes = bytes
  }

  private static func byteCount(_ algorithms: UInt8, _ first: Int, _ second: Int) -> Int {
    (algorithms & ed25519 == 0 ? 0 : first) + (algorithms & mlDSA65 == 0 ? 0 : second)
  }

  /// What is pinned: SHA-256 over `algorithms u8 | key`, so that a pinned pair of keys is not replaced by
  /// one of them.
  public var fingerprint: [UInt8] { Array(SHA256.hash(data: [algorithms] + bytes)) }

  /// The key that `proof` shows, when its signatures over `binding` verify, all of them.
  public static func verified(_ proof: IdentityFrame, _ binding: IdentityBinding) -> IdentityPublicKey? {
    guard let key = IdentityPublicKey(algorithms: proof.algorithms, bytes: proof.key),
      proof.signature.count == byteCount(key.algorithms, ed25519SignatureByteCount, mlDSASignatureByteCount)
    else { return nil }
    var keys = key.bytes[...]
    var signatures = proof.signature[...]
    if key.algorithms & ed25519 != 0 {
      guard let parsed = try? Curve25519.Signing.PublicKey(rawRepresentation: Array(keys.prefix(ed25519ByteCount))),
        parsed.isValidSignature(Array(signatures.prefix(ed25519SignatureByteCount)), for: binding.message)
      else { return nil }
      keys = keys.dropFirst(ed25519ByteCount)
      signatures = signatures.dropFirst(ed25519SignatureByteCount)
    }
    if key.algorithms & mlDSA65 != 0 {
      guard let parsed = try? MLDSA65.PublicKey(rawRepresentation: Array(keys)),
        parsed.isValidSignature(Array(signatures), for: binding.message)
      else { return nil }
    }
    return key
  }
}

/// What an identity signs: one role in one session, and nothing that another session could show.
public struct IdentityBinding: Sendable {
  let message: [UInt8]

  /// - Parameter isInitiator: whose identity it is.
  public init(_ keys: SessionKeys, isInitiator: Bool) {
    message = Array("stt1 identity".utf8) + [isInitiator ? 0 : 1] + keys.identity.bytes
  }
}
