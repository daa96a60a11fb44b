import Crypto

/// A segment's own random 256-bit key and what hangs from it (docs/recording.md, Sealing). Nothing but
/// its slots holds it once the segment is closed.
public struct SegmentKey: Sendable {
  public static let byteCount = 32

  let secret: Secret
  /// The segment's 16 random bytes: two segments never share a key derived here.
  public let segment: [UInt8]

  public init(_ secret: Secret, segment: [UInt8]) {
    self.secret = secret
    self.segment = segment
  }

  /// Seals the segment's batches, each under its own number.
  public var batches: Secret { expandLabel(secret.key, "record batch", segment) }

  /// 32 bytes that say that whoever closed the segment at `head` held its key.
  public func ending(_ head: [UInt8]) -> [UInt8] {
    authenticationCode(expandLabel(secret.key, "record end", segment), [head], byteCount: 32)
  }
}

/// A key that wraps segment keys: a day's, or a seed epoch's.
public struct SlotKey: Sendable {
  private let secret: Secret

  /// A day's key, 32 random bytes of the collector's keystore.
  public init(day bytes: [UInt8]) { secret = Secret(bytes: bytes) }

  /// A seed epoch's ``PairKeys/recordWrapKey``, by which an owner opens what was recorded under an old seed.
  public init(seed: Secret) { secret = seed }

  /// 16 public bytes by which a slot is recognized as this key's.
  public var identifier: [UInt8] { expandLabel(secret.key, "slot id", byteCount: 16).bytes }

  /// `slot` names the kind of slot, so that none passes for another. The key is used once: a segment's
  /// id is random, so the nonce can be constant.
  public func wrap(_ key: SegmentKey, slot: String) -> [UInt8] {
    Suite.chaCha20Poly1305.seal(
      key.secret.bytes, key: wrapping(key.segment, slot), nonce: Array(repeating: 0, count: 12),
      additional: key.segment + Array(slot.utf8))
  }

  public func unwrap(_ wrapped: [UInt8], segment: [UInt8], slot: String) -> SegmentKey? {
    Suite.chaCha20Poly1305.open(
      wrapped, key: wrapping(segment, slot), nonce: Array(repeating: 0, count: 12),
      additional: segment + Array(slot.utf8)
    ).flatMap { $0.count == SegmentKey.byteCount ? SegmentKey(Secret(bytes: $0), segment: segment) : nil }
  }

  private func wrapping(_ segment: [UInt8], _ slot: String) -> Secret {
    expandLabel(secret.key, "wrap \(slot)", segment)
  }
}

/// The collector's own key in the recordings it makes: it opens how far each stream was recorded, which
/// recovery needs, and no message.
public struct PositionKey: Sendable {
  private let secret: Secret
  private let ends: Secret

  public init(bytes: [UInt8], segment: [UInt8]) {
    let root = SymmetricKey(data: bytes)
    secret = expandLabel(root, "record positions", segment)
    ends = expandLabel(root, "record recovery", segment)
  }

  /// - Parameter nonce: 12 random bytes: recovery may seal again what a crash cut.
  public func seal(_ positions: [UInt8], nonce: [UInt8]) -> [UInt8] {
    nonce + Suite.chaCha20Poly1305.seal(positions, key: secret, nonce: nonce, additional: [])
  }

  public func open(_ sealed: [UInt8]) -> [UInt8]? {
    guard sealed.count >= 28 else { return nil }
    return Suite.chaCha20Poly1305.open(
      Array(sealed.dropFirst(12)), key: secret, nonce: Array(sealed.prefix(12)), additional: [])
  }

  /// 32 bytes that say that this collector ended a cut segment at `head`.
  public func recovery(_ head: [UInt8]) -> [UInt8] { authenticationCode(ends, [head], byteCount: 32) }
}

/// The key of a chain's next seal. Each use replaces it by one it can't be worked out from, so that who
/// takes the machine later can't rewrite what was sealed before.
public struct ChainKey: Sendable {
  private var secret: Secret

  public init(_ first: Secret) { secret = first }

  /// 32 bytes over `seal`.
  public mutating func attest(_ seal: [UInt8]) -> [UInt8] {
    let code = authenticationCode(secret, [seal], byteCount: 32)
    secret = expandLabel(secret.key, "record chain")
    return code
  }
}

/// SHA-256 of `bytes`.
public func digest(_ bytes: [UInt8]) -> [UInt8] { Transcript.digest([bytes]) }
