import Crypto

/// A random key of the responder, in memory only, replaced every minute with one predecessor kept
/// (docs/protocol.md 2.5, 2.6).
public struct RotatingKey: Sendable {
  public static let lifetimeNanoseconds: UInt64 = 60_000_000_000

  private var current: Secret
  private var previous: Secret?
  private(set) var keyID: UInt8 = 0
  private var since: UInt64

  public init(entropy: [UInt8], now: UInt64) {
    precondition(entropy.count == 32, "a key is 32 bytes")
    current = Secret(bytes: entropy)
    since = now
  }

  /// Whether ``rotate(entropy:now:)`` is due.
  public func isDue(now: UInt64) -> Bool { now &- since >= Self.lifetimeNanoseconds && now >= since }

  public mutating func rotate(entropy: [UInt8], now: UInt64) {
    precondition(entropy.count == 32, "a key is 32 bytes")
    // After a pause longer than a lifetime the old key is too old to be anybody's.
    previous = now &- since < 2 * Self.lifetimeNanoseconds ? current : nil
    current = Secret(bytes: entropy)
    keyID &+= 1
    since = now
  }

  func key(_ id: UInt8) -> Secret? {
    if id == keyID { return current }
    return id == keyID &- 1 ? previous : nil
  }

  var newest: Secret { current }

  /// A RETRY token for `address`: proof, later, that the initiator receives there.
  public func retryToken(address: [UInt8]) -> [UInt8] {
    [keyID] + authenticationCode(current, [address], byteCount: 31)
  }

  public func accepts(retryToken: [UInt8], address: [UInt8]) -> Bool {
    guard retryToken.count == 32, let key = key(retryToken[0]) else { return false }
    return equalInConstantTime(Array(retryToken.dropFirst()), authenticationCode(key, [address], byteCount: 31))
  }

  /// Seals the handshake state that the initiator carries; the result is 232 bytes.
  public func sealBiscuit(_ state: [UInt8], salt: [UInt8]) -> (keyID: UInt8, sealed: [UInt8]) {
    let sealed = Suite.chaCha20Poly1305.seal(
      state, key: expandLabel(current.key, "biscuit", salt), nonce: [UInt8](repeating: 0, count: 12),
      additional: [keyID])
    return (keyID, sealed)
  }

  public func openBiscuit(keyID: UInt8, salt: [UInt8], sealed: [UInt8]) -> [UInt8]? {
    guard let key = key(keyID) else { return nil }
    return Suite.chaCha20Poly1305.open(
      sealed, key: expandLabel(key.key, "biscuit", salt), nonce: [UInt8](repeating: 0, count: 12),
      additional: [keyID])
  }
}

/// Eight bytes that tie a biscuit to an address without keeping it.
public func addressHash(_ address: [UInt8]) -> [UInt8] {
  Array(Transcript.digest([Array("stt1 addr".utf8), address]).prefix(8))
}
