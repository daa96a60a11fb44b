import Crypto

/// What the next pair of traffic secrets comes from when both sides have exchanged new public keys
/// (docs/protocol.md 2.11). Each step forgets the root before it: memory stolen earlier opens nothing
/// that is sealed later.
public struct RatchetRoot: Sendable {
  private let secret: Secret

  public init(_ keys: SessionKeys) { secret = keys.ratchetRoot }
  private init(_ secret: Secret) { self.secret = secret }

  /// One step.
  public struct Step: Sendable {
    public let root: RatchetRoot
    public let initiatorToResponder: TrafficSecret
    public let responderToInitiator: TrafficSecret
  }

  /// - Parameters:
  ///   - agreement: X25519's result.
  ///   - encapsulated: ML-KEM's shared secret.
  ///   - offer: REKEY_OFFER's bytes.
  ///   - accept: REKEY_ACCEPT's bytes.
  public func step(agreement: Secret, encapsulated: Secret, offer: [UInt8], accept: [UInt8]) -> Step {
    let root = extract(salt: secret.bytes, SymmetricKey(data: agreement.bytes + encapsulated.bytes))
    let transcript = Array(SHA256.hash(data: offer + accept))
    return Step(
      root: RatchetRoot(Secret(bytes: root.withUnsafeBytes { [UInt8]($0) })),
      initiatorToResponder: TrafficSecret(expandLabel(root, "i2r traffic", transcript)),
      responderToInitiator: TrafficSecret(expandLabel(root, "r2i traffic", transcript)))
  }
}
