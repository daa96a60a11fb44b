public import STC
import STTWire

/// The hybrid ratchet (docs/protocol.md 2.11): new X25519 and ML-KEM keys inside a session, so that
/// whoever stole its memory once is shut out again.
///
/// Only the initiator offers. While an exchange is open neither direction takes a symmetric step; the
/// initiator changes its key when it has ACCEPT, the responder when ACCEPT was acknowledged: then each
/// side expects the other's new key before it is used.
struct HybridRatchet: Sendable {
  enum State: Sendable {
    case idle
    /// The initiator waits for ACCEPT.
    case offered(ephemeral: EphemeralKey, kem: EncapsulationKey, offer: [UInt8])
    /// The responder waits for ACCEPT's acknowledgement.
    case accepted(TrafficSecret)
  }

  var root: RatchetRoot
  var state = State.idle
  var since: MonotonicTime
  var bytesAtStart: UInt64 = 0
  /// An OFFER the endpoint has not answered yet.
  var pendingOffer: [UInt8]?

  init(_ keys: SessionKeys, now: MonotonicTime) {
    root = RatchetRoot(keys)
    since = now
  }

  var isOpen: Bool {
    if case .idle = state { return pendingOffer != nil }
    return true
  }
}

extension Session {
  /// Whether it is time for new keys: call ``offerRekey(using:)``.
  public func wantsRekey(now: MonotonicTime) -> Bool {
    guard rekeyDue <= now || carried(settings.rekeyByteCount) else { return false }
    return mayOfferRekey
  }

  /// When ``wantsRekey(now:)`` becomes true by time alone.
  var rekeyDue: MonotonicTime { mayOfferRekey ? hybrid.since + settings.rekeyInterval : .never }

  private var mayOfferRekey: Bool {
    guard role == .initiator, mode == .hybrid, end == nil, closing == nil, !hybrid.isOpen, control.isIdle else {
      return false
    }
    // The peer has followed our last step.
    return sent.largestAcknowledged.map { $0 >= keys.firstPacket } ?? false
  }

  private func carried(_ bytes: UInt64) -> Bool {
    statistics.bytesSent &+ statistics.bytesReceived &- hybrid.bytesAtStart >= bytes
  }

  /// Offers new keys. Nothing happens unless ``wantsRekey(now:)``.
  public mutating func offerRekey<R: RandomNumberGenerator>(now: MonotonicTime, using generator: inout R) {
    guard wantsRekey(now: now), let ephemeral = EphemeralKey(entropy: generator.bytes(32)),
      let kem = EncapsulationKey(entropy: generator.bytes(64))
    else { return }
    let offer = ByteWriter.array(RekeyOffer(ephemeral: ephemeral.publicKey, kemPublicKey: kem.publicKey))
    hybrid.state = .offered(ephemeral: ephemeral, kem: kem, offer: offer)
    control.send(.rekeyOffer, offer)
  }

  /// Whether the peer offers new keys: call ``acceptRekey(now:using:encapsulate:)``.
  public var hasRekeyOffer: Bool { hybrid.pendingOffer != nil }

  /// Answers the peer's offer.
  public mutating func acceptRekey<R: RandomNumberGenerator>(
    now: MonotonicTime, using generator: inout R, encapsulate: ([UInt8]) -> Encapsulated?
  ) {
    guard let bytes = hybrid.pendingOffer else { return }
    hybrid.pendingOffer = nil
    var reader = ByteReader(bytes.span.bytes)
    guard let offer = try? RekeyOffer(&reader), let ephemeral = EphemeralKey(entropy: generator.bytes(32)),
      let agreement = ephemeral.agree(with: offer.ephemeral), let result = encapsulate(offer.kemPublicKey),
      result.ciphertext.count == Final.kemCiphertextByteCount
    else {
      close(.protocolViolation)
      return
    }
    let accept = ByteWriter.array(RekeyAccept(ephemeral: ephemeral.publicKey, kemCiphertext: result.ciphertext))
    let step = hybrid.root.step(agreement: agreement, encapsulated: result.secret, offer: bytes, accept: accept)
    hybrid.root = step.root
    hybrid.state = .accepted(step.responderToInitiator)
    opener.expect(next: step.initiatorToResponder)
    control.send(.rekeyAccept, accept)
    startRekeyClock(now)
  }

  /// Takes what arrived on the control channel and concerns keys. `false`: it makes no sense.
  mutating func takeKeyMessages(_ now: MonotonicTime) -> Bool {
    while let message = control.next(where: { $0 == .rekeyOffer || $0 == .rekeyAccept }) {
      let isSound = message.type == .rekeyOffer ? noteOffer(message.bytes, now) : takeAccept(message.bytes, now)
      guard isSound else { return false }
    }
    return true
  }

  private mutating func noteOffer(_ bytes: [UInt8], _ now: MonotonicTime) -> Bool {
    // A peer offers again only after it took our ACCEPT, whose acknowledgement is late or lost.
    if case .accepted(let secret) = hybrid.state {
      hybrid.state = .idle
      use(secret, now)
    }
    guard role == .responder, mode == .hybrid, !hybrid.isOpen else { return false }
    hybrid.pendingOffer = bytes
    return true
  }

  private mutating func takeAccept(_ bytes: [UInt8], _ now: MonotonicTime) -> Bool {
    guard case .offered(let ephemeral, let kem, let offer) = hybrid.state else { return false }
    var reader = ByteReader(bytes.span.bytes)
    guard let accept = try? RekeyAccept(&reader), let agreement = ephemeral.agree(with: accept.ephemeral),
      let encapsulated = kem.decapsulate(accept.kemCiphertext)
    else { return false }
    let step = hybrid.root.step(agreement: agreement, encapsulated: encapsulated, offer: offer, accept: bytes)
    hybrid.root = step.root
    hybrid.state = .idle
    opener.expect(next: step.responderToInitiator)
    use(step.initiatorToResponder, now)
    startRekeyClock(now)
    return true
  }

  /// The responder changes its key once the initiator expects it.
  mutating func finishRekey(_ now: MonotonicTime) {
    guard case .accepted(let secret) = hybrid.state, control.isIdle else { return }
    hybrid.state = .idle
    use(secret, now)
  }

  private mutating func use(_ secret: TrafficSecret, _ now: MonotonicTime) {
    sealer.ratchet(to: secret)
    keys.firstPacket = sealer.nextPacketNumber
    keys.since = now
    statistics.ratchets += 1
    statistics.rekeys += 1
  }

  private mutating func startRekeyClock(_ now: MonotonicTime) {
    hybrid.since = now
    hybrid.bytesAtStart = statistics.bytesSent &+ statistics.bytesReceived
  }
}

extension ByteWriter {
  fileprivate static func array(_ offer: RekeyOffer) -> [UInt8] {
    array(capacity: RekeyOffer.byteCount) { offer.write(&$0) }
  }
  fileprivate static func array(_ accept: RekeyAccept) -> [UInt8] {
    array(capacity: RekeyAccept.byteCount) { accept.write(&$0) }
  }
}
