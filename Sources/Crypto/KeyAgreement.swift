import Crypto

/// One X25519 key pair, made from 32 bytes of the caller's entropy (RFC 7748).
public struct EphemeralKey: Sendable {
  private let key: Curve25519.KeyAgreement.PrivateKey

  /// `nil` unless given exactly 32 bytes.
  public init?(entropy: [UInt8]) {
    guard let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: entropy) else { return nil }
    self.key = key
  }

  public var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }
  public var privateBytes: [UInt8] { Array(key.rawRepresentation) }

  /// The shared secret, or `nil` for a peer key of small order, whose result would be all zero.
  public func agree(with peer: [UInt8]) -> Secret? {
    guard let peerKey = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: peer),
      let shared = try? key.sharedSecretFromKeyAgreement(with: peerKey)
    else { return nil }
    let bytes = shared.withUnsafeBytes { [UInt8]($0) }
    guard bytes.contains(where: { $0 != 0 }) else { return nil }
    return Secret(bytes: bytes)
  }
}

/// One ML-KEM-768 key pair, made from 64 bytes of the caller's entropy (FIPS 203).
public struct EncapsulationKey: Sendable {
  private let key: MLKEM768.PrivateKey

  /// `nil` unless given exactly 64 bytes.
  public init?(entropy: [UInt8]) {
    guard let key = try? MLKEM768.PrivateKey(seedRepresentation: entropy, publicKey: nil) else { return nil }
    self.key = key
  }

  public var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

  /// The shared secret; a wrong ciphertext gives a wrong secret, not an error (implicit rejection),
  /// unless its length is wrong.
  public func decapsulate(_ ciphertext: [UInt8]) -> Secret? {
    guard let secret = try? key.decapsulate(ciphertext) else { return nil }
    return Secret(secret)
  }
}

/// What encapsulating to a public key gives.
public struct Encapsulated: Sendable {
  public var ciphertext: [UInt8]
  public var secret: Secret

  public init(ciphertext: [UInt8], secret: Secret) {
    self.ciphertext = ciphertext
    self.secret = secret
  }

  /// Encapsulates to an ML-KEM-768 public key with the library's own randomness; `nil` when the key
  /// is malformed. Core code takes this as an argument, so that vectors can freeze it.
  public static func to(_ publicKey: [UInt8]) -> Encapsulated? {
    guard let key = try? MLKEM768.PublicKey(rawRepresentation: publicKey), let result = try? key.encapsulate()
    else { return nil }
    return Encapsulated(ciphertext: Array(result.encapsulated), secret: Secret(result.sharedSecret))
  }
}
