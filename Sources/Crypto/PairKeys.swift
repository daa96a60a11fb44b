import Crypto

/// Two peers as their configuration names them. Node ids are 32 random bytes and never travel.
public struct Pair: Hashable, Sendable {
  /// The device: the side that begins.
  public let initiatorID: [UInt8]
  public let responderID: [UInt8]
  /// Which of the pair's successive seeds this is.
  public let epoch: UInt32

  public enum Invalid: Error, Hashable, Sendable {
    case wrongLength
    /// A peer can't talk to itself: equal ids would let its own messages be reflected to it.
    case sameNode
  }

  public init(initiatorID: [UInt8], responderID: [UInt8], epoch: UInt32) throws(Invalid) {
    guard initiatorID.count == 32, responderID.count == 32 else { throw .wrongLength }
    guard initiatorID != responderID else { throw .sameNode }
    self.initiatorID = initiatorID
    self.responderID = responderID
    self.epoch = epoch
  }

  /// Initiator first: the order is what tells the roles apart in every key.
  var roles: [UInt8] { initiatorID + responderID }

  var context: [UInt8] {
    let ordered = initiatorID.lexicographicallyPrecedes(responderID)
    let epochBytes = (0..<4).map { UInt8(truncatingIfNeeded: epoch >> UInt32($0 * 8)) }
    return Transcript.digest([
      Array("stt1 pair".utf8), ordered ? initiatorID : responderID, ordered ? responderID : initiatorID, epochBytes,
    ])
  }
}

/// What a pair derives from its seed before any handshake (docs/protocol.md 2.1, 2.4, 2.5).
public struct PairKeys: Sendable {
  let pairKey: Secret
  /// Which of the pair's successive seeds these come from.
  public let epoch: UInt32
  let roles: [UInt8]
  private let hintKey: Secret
  private let mac1Key: Secret
  private let helloKey: Secret

  public init(seed: Seed, pair: Pair) {
    roles = pair.roles
    epoch = pair.epoch
    pairKey = expandLabel(seed.root, "psk", pair.context)
    // The roles are 64 bytes and go in as context, so a reflected message verifies under no key.
    hintKey = expandLabel(pairKey.key, "hint", roles)
    mac1Key = expandLabel(pairKey.key, "mac1", roles)
    helloKey = expandLabel(pairKey.key, "hello", roles)
  }

  /// Wraps the keys of recordings made under this seed.
  public var recordWrapKey: Secret { expandLabel(pairKey.key, "record wrap") }

  /// The tag by which the collector finds this pair at handshake `counter`.
  public func hint(counter: UInt64) -> [UInt8] {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: counter >> UInt64($0 * 8)) }
    return expandLabel(hintKey.key, "ctr", bytes, byteCount: 8).bytes
  }

  /// The tag of a device outside its window, found by trial.
  public func hint(salt: [UInt8]) -> [UInt8] {
    expandLabel(hintKey.key, "salt", salt, byteCount: 8).bytes
  }

  /// 16 bytes over header* and HELLO's payload before them.
  public func mac1(header: [UInt8], payload: [UInt8]) -> [UInt8] {
    authenticationCode(mac1Key, [header, payload], byteCount: 16)
  }

  /// Whether `mac1` is right, in constant time and without copying what it is over.
  public func hasMAC1(header: [UInt8], payload: RawSpan, mac1: RawSpan) -> Bool {
    var code = HMAC<SHA256>(key: mac1Key.key)
    code.update(data: header)
    payload.withUnsafeBytes { code.update(data: $0) }
    return code.finalize().withUnsafeBytes { right in
      mac1.withUnsafeBytes { equalInConstantTime(unsafe: UnsafeRawBufferPointer(rebasing: right.prefix(16)), $0) }
    }
  }

  public func sealHello(_ plaintext: [UInt8], nonce: [UInt8], header: [UInt8], payload: [UInt8]) -> [UInt8] {
    Suite.chaCha20Poly1305.seal(
      plaintext, key: helloKey, nonce: Array(nonce.prefix(12)), additional: header + payload)
  }

  public func openHello(_ sealed: [UInt8], nonce: [UInt8], header: [UInt8], payload: [UInt8]) -> [UInt8]? {
    Suite.chaCha20Poly1305.open(
      sealed, key: helloKey, nonce: Array(nonce.prefix(12)), additional: header + payload)
  }
}
