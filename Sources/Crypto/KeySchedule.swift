import Crypto
public import STTWire

/// The handshake's keys, step by step (docs/protocol.md 2.9). Each step consumes what the last one
/// made, so an order that is wrong does not compile.
public struct EarlySecret: Sendable {
  private let secret: SymmetricKey

  public init(_ pair: PairKeys) {
    secret = extract(salt: [], SymmetricKey(data: pair.pairKey.bytes + pair.roles))
  }

  public func challengeKey(_ h2: Transcript) -> Secret { expandLabel(secret, "challenge", h2.hash) }

  /// mac2 over one AUTH_PROOF datagram: checked before any public-key operation.
  public func mac2(_ h2: Transcript, header: [UInt8], authenticated: [UInt8], sealed: [UInt8]) -> [UInt8] {
    authenticationCode(
      expandLabel(secret, "mac2", h2.hash), [header, authenticated, sealed], byteCount: 16)
  }

  /// - Parameter agreement: X25519's result, or `nil` in SEED mode.
  public func handshakeSecret(_ h2: Transcript, agreement: Secret?) -> HandshakeSecret {
    let salt = expandLabel(secret, "derived 1", h2.hash).bytes
    return HandshakeSecret(secret: extract(salt: salt, agreement?.key ?? zeroKey), h2: h2)
  }
}

/// After X25519.
public struct HandshakeSecret: Sendable {
  let secret: SymmetricKey
  let h2: Transcript

  public var authProofKey: Secret { expandLabel(secret, "auth proof", h2.hash) }

  /// 32 bytes that only a holder of the seed and of this handshake's X25519 secret can make.
  public var proof: [UInt8] {
    authenticationCode(expandLabel(secret, "proof", h2.hash), [h2.hash], byteCount: 32)
  }

  /// Seals a failure FINAL.
  public var failureKey: Secret { expandLabel(secret, "final err", h2.hash) }

  /// - Parameter encapsulated: ML-KEM's shared secret, or `nil` in SEED mode.
  public func masterSecret(h3: Transcript, h4: Transcript, encapsulated: Secret?) -> MasterSecret {
    let second = extract(salt: expandLabel(secret, "derived 2", h3.hash).bytes, encapsulated?.key ?? zeroKey)
    let master = extract(salt: expandLabel(second, "derived 3", h4.hash).bytes, zeroKey)
    return MasterSecret(secret: master, h4: h4)
  }
}

/// After ML-KEM: everything a session needs.
public struct MasterSecret: Sendable {
  private let secret: SymmetricKey
  private let h4: Transcript

  init(secret: SymmetricKey, h4: Transcript) {
    self.secret = secret
    self.h4 = h4
  }

  public var finalKey: Secret { expandLabel(secret, "final", h4.hash) }

  public var sessionKeys: SessionKeys {
    let exporter = expandLabel(secret, "exporter", h4.hash)
    return SessionKeys(
      initiatorToResponder: TrafficSecret(expandLabel(secret, "i2r traffic", h4.hash)),
      responderToInitiator: TrafficSecret(expandLabel(secret, "r2i traffic", h4.hash)),
      ratchetRoot: expandLabel(secret, "ratchet root", h4.hash),
      exporter: exporter, identity: expandLabel(exporter.key, "identity", h4.hash))
  }
}

/// The secrets of an established session.
public struct SessionKeys: Sendable {
  public let initiatorToResponder: TrafficSecret
  public let responderToInitiator: TrafficSecret
  public let ratchetRoot: Secret
  public let exporter: Secret
  /// What identities sign (docs/protocol.md 2.12).
  let identity: Secret

  /// The `index`-th other name of the session, from 1 (docs/protocol.md 2.14).
  public func alias(_ index: UInt32) -> SessionID {
    let context = [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: index >> $0) }
    let bytes = expandLabel(exporter.key, "sid", context, byteCount: 8).bytes
    return SessionID(rawValue: bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })
  }
}

/// One direction's secret in one key epoch.
public struct TrafficSecret: Sendable {
  let secret: Secret

  init(_ secret: Secret) { self.secret = secret }

  var key: Secret { expandLabel(secret.key, "key") }
  var iv: [UInt8] { expandLabel(secret.key, "iv", byteCount: 12).bytes }

  /// The next epoch's; the caller forgets this one (docs/protocol.md 2.11).
  public var next: TrafficSecret { TrafficSecret(expandLabel(secret.key, "ku")) }
}

private let zeroKey = SymmetricKey(data: [UInt8](repeating: 0, count: 32))
