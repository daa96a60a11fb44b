public import STC
public import STTWire

/// The collector's side of every handshake, for all its devices at once (docs/protocol.md 2.4–2.10).
///
/// Until a seed is proven it keeps nothing about a HELLO: its state travels in the biscuit. Every
/// failure is silence.
public struct ResponderHandshake: Sendable {
  /// A device this collector knows.
  public struct Peer: Sendable {
    public var keys: PairKeys
    public var epoch: UInt32
    /// The highest handshake counter ever accepted from it; 0 before the first.
    public var lastCounter: UInt64
    /// What it may ask for, within what the collector offers.
    public var modes: Set<HandshakeMode>

    public init(keys: PairKeys, epoch: UInt32, lastCounter: UInt64, modes: Set<HandshakeMode> = [.hybrid, .seed]) {
      self.modes = modes
      self.keys = keys
      self.epoch = epoch
      self.lastCounter = lastCounter
    }
  }

  public enum Outcome: Sendable {
    case dropped(Rejection)
    /// RESPONSE, RETRY, or a FINAL sent again.
    case reply([UInt8])
    /// The first half of a proof; wait for the other.
    case pending
    /// The seed of `peer` is proven. Persist `counter`, install the session, then send `final`.
    case established(peer: Int, counter: UInt64, Established, final: [UInt8])
  }

  /// Why nothing was answered. For counters; never told to the sender.
  public enum Rejection: Int, Hashable, Sendable, CaseIterable {
    case malformed, unknownHint, oldCounter, badMAC, overBudget, badSeal, noCommonSuite, staleBiscuit, wrongAddress,
      badProof
  }

  struct PeerState: Sendable {
    var peer: Peer
    /// RESPONSEs to HELLOs whose address is not proven, and to those whose is: a HELLO repeated from everywhere
    /// takes nothing from the device that proves its address.
    var bucket: TokenBucket
    var provenBucket: TokenBucket
    var proofBucket: TokenBucket
    /// The counter and address of the last HELLO: one HELLO from several addresses must prove its own.
    var lastHello: (counter: UInt64, address: PeerAddress)?
    var partial: PartialProof?
    var answered: AnsweredProof?
    /// It never authenticates again, and its place waits for another.
    var isRetired = false
  }

  /// The first of two proof datagrams; given only to a proven seed holder.
  struct PartialProof: Sendable {
    var session: SessionID
    var counter: UInt64
    var payloads: [[UInt8]?]
    var parts: [[UInt8]?]
    var expires: MonotonicTime
  }

  /// The FINAL to repeat if the same AUTH_PROOF comes again.
  struct AnsweredProof: Sendable {
    var counter: UInt64
    var payloads: [[UInt8]]
    var final: [UInt8]
    var expires: MonotonicTime
  }

  static let proofLifetime = UInt64.seconds(10)
  static let biscuitLifetimeSeconds: UInt64 = 120

  private let offer: HandshakeOffer
  var peers: [PeerState] = []
  private var free: [Int] = []
  var hints = HintTable()
  private var biscuitKey: RotatingKey
  var cookieKey: RotatingKey
  var strangers: TokenBucket
  private var trials: TokenBucket
  private var total: TokenBucket
  public private(set) var statistics = HandshakeStatistics()

  /// - Parameters:
  ///   - handshakesPerSecond: RESPONSEs made before known devices, too, must prove their address.
  ///   - retriesPerSecond: RETRYs for HELLOs with an unknown hint.
  public init<R: RandomNumberGenerator>(
    offer: HandshakeOffer, handshakesPerSecond: UInt64 = 2000, retriesPerSecond: UInt64 = 1000, now: MonotonicTime,
    using generator: inout R
  ) {
    self.offer = offer
    biscuitKey = RotatingKey(entropy: generator.bytes(32), now: now.nanoseconds)
    cookieKey = RotatingKey(entropy: generator.bytes(32), now: now.nanoseconds)
    strangers = TokenBucket(perSecond: retriesPerSecond, burst: retriesPerSecond, now: now)
    trials = TokenBucket(perSecond: 100, burst: 1000, now: now)
    total = TokenBucket(perSecond: handshakesPerSecond, burst: handshakesPerSecond, now: now)
  }

  public var peerCount: Int { peers.count - free.count }

  /// Adds a device, or one more seed epoch of a device; the index names it in outcomes.
  public mutating func add(_ peer: Peer, now: MonotonicTime) -> Int {
    let state = PeerState(
      peer: peer, bucket: TokenBucket(perSecond: 5, burst: 10, now: now),
      provenBucket: TokenBucket(perSecond: 5, burst: 10, now: now),
      proofBucket: TokenBucket(perSecond: 20, burst: 40, now: now))
    let index = free.popLast() ?? peers.count
    if index < peers.count { peers[index] = state } else { peers.append(state) }
    hints.slide(pair: index, keys: peer.keys, from: nil, to: peer.lastCounter)
    return index
  }

  /// From now on `index` authenticates nobody: its hints are unknown, and what it began is void. A later
  /// ``add(_:now:)`` may use the index again.
  public mutating func remove(_ index: Int) {
    guard peers.indices.contains(index), !peers[index].isRetired else { return }
    hints.remove(pair: index)
    peers[index].isRetired = true
    (peers[index].partial, peers[index].answered, peers[index].lastHello) = (nil, nil, nil)
    free.append(index)
  }

  /// Takes a HELLO or AUTH_PROOF.
  ///
  /// - Parameter isTaken: whether a session of `peer` cannot have `id`: it is in use, or would lead elsewhere.
  public mutating func receive<R: RandomNumberGenerator>(
    _ datagram: RawSpan, header: FrameHeader, from address: PeerAddress, now: MonotonicTime, using generator: inout R,
    isTaken: (_ id: SessionID, _ peer: Int) -> Bool, encapsulate: ([UInt8]) -> Encapsulated?
  ) -> Outcome {
    if biscuitKey.isDue(now: now.nanoseconds) { biscuitKey.rotate(entropy: generator.bytes(32), now: now.nanoseconds) }
    if cookieKey.isDue(now: now.nanoseconds) { cookieKey.rotate(entropy: generator.bytes(32), now: now.nanoseconds) }
    let outcome = take(
      datagram, header, from: address, now: now, using: &generator, isTaken: isTaken, encapsulate: encapsulate)
    statistics.note(outcome, question: datagram.byteCount)
    return outcome
  }

  private mutating func take<R: RandomNumberGenerator>(
    _ datagram: RawSpan, _ header: FrameHeader, from address: PeerAddress, now: MonotonicTime,
    using generator: inout R, isTaken: (_ id: SessionID, _ peer: Int) -> Bool, encapsulate: ([UInt8]) -> Encapsulated?
  ) -> Outcome {
    switch header.type {
    case .hello:
      statistics.hellos += 1
      if let reason = firstLook(datagram, header, from: address, now: now) { return .dropped(reason) }
      guard let payload = try? HandshakeDatagram.payload(of: datagram, header: header) else { return .dropped(.malformed) }
      return takeHello(payload, header, from: address, now: now, using: &generator, isTaken: isTaken)
    case .authProof:
      statistics.proofs += 1
      guard let payload = try? HandshakeDatagram.payload(of: datagram, header: header) else { return .dropped(.malformed) }
      return takeProof(payload, header, from: address, now: now, encapsulate: encapsulate)
    default:
      return .dropped(.malformed)
    }
  }

  /// Takes back ``Outcome/established(peer:counter:_:final:)`` of `peer`, if it is the last: its counter could not be
  /// made safe, or there is no room for the session. The FINAL must not leave, not even when the same proof comes again.
  public mutating func withdraw(peer: Int, counter: UInt64) {
    if peers[peer].answered?.counter == counter { peers[peer].answered = nil }
  }

  /// The order of docs/protocol.md 2.5: cheapest and least revealing first, no public-key operation
  /// before the last.
  private mutating func takeHello<R: RandomNumberGenerator>(
    _ payload: [UInt8], _ header: FrameHeader, from address: PeerAddress, now: MonotonicTime,
    using generator: inout R, isTaken: (_ id: SessionID, _ peer: Int) -> Bool
  ) -> Outcome {
    guard header.session == .none, header.stream == 0, header.sequence == 0, let hello = try? Hello(payload: payload)
    else { return .dropped(.malformed) }
    let proven = cookieKey.accepts(retryToken: hello.retryToken, address: address.bytes)
    let header1 = header.bytesWithoutChecksum
    guard let (index, expected) = find(hello, header1, payload, addressProven: proven, now: now) else {
      guard !proven, strangers.take(now: now) else { return .dropped(.unknownHint) }
      return .reply(retry(hello, address))
    }
    let peer = peers[index].peer
    if let expected, expected <= peer.lastCounter { return .dropped(.oldCounter) }
    guard equalInConstantTime(hello.mac1, peer.keys.mac1(header: header1, payload: Array(payload.dropLast(16)))) else {
      return .dropped(.badMAC)
    }
    let elsewhere = peers[index].lastHello.map { $0.counter == expected ?? 0 && $0.address != address } ?? false
    if let expected { peers[index].lastHello = (expected, address) }
    if proven {
      guard peers[index].provenBucket.take(now: now) else { return .dropped(.overBudget) }
    } else if elsewhere || !peers[index].bucket.take(now: now) || !total.take(now: now) {
      return .reply(retry(hello, address))
    }
    let secretBytes = peer.keys.openHello(
      hello.sealed, nonce: hello.nonce, header: header1, payload: Array(payload.prefix(Hello.sealedOffset)))
    guard let secretBytes, let secret = try? HelloSecret(bytes: secretBytes),
      secret.counter > peer.lastCounter, secret.counter < .max - HintTable.windowCount,
      expected.map({ $0 == secret.counter }) ?? true
    else { return .dropped(.badSeal) }
    guard
      let mode = [HandshakeMode.hybrid, .seed].first(where: {
        offer.modes.contains($0) && peer.modes.contains($0) && hello.modes & $0.rawValue != 0
      }),
      let suite = offer.suites.first(where: { hello.suites & UInt16($0.rawValue) != 0 }),
      hello.maximumDatagram >= smallestMaximumDatagram
    else { return .dropped(.noCommonSuite) }
    return respond(
      to: hello, payload, header1, secret, peer: index, mode: mode, suite: suite, from: address, now: now,
      using: &generator, isTaken: isTaken)
  }

  /// The pair of a HELLO: by its window in one look-up, or, once its address is proven, by trial.
  private mutating func find(
    _ hello: Hello, _ header: [UInt8], _ payload: [UInt8], addressProven: Bool, now: MonotonicTime
  ) -> (peer: Int, counter: UInt64?)? {
    if let entry = hints.find(hello.keyHint.prefix(8)) { return (entry.pair, entry.counter) }
    guard addressProven, trials.take(now: now) else { return nil }
    let salt = Array(hello.keyHint.suffix(8))
    for index in peers.indices
    where !peers[index].isRetired
      && equalInConstantTime(peers[index].peer.keys.hint(salt: salt), Array(hello.keyHint.prefix(8)))
    {
      return (index, nil)
    }
    return nil
  }

  private mutating func retry(_ hello: Hello, _ address: PeerAddress) -> [UInt8] {
    statistics.retries += 1
    let retry = Retry(initiatorNonce: hello.nonce, token: cookieKey.retryToken(address: address.bytes))
    return HandshakeDatagram.encode(.response, flags: .retry, session: .none, payload: retry.payload)
  }

  private mutating func respond<R: RandomNumberGenerator>(
    to hello: Hello, _ payload: [UInt8], _ header: [UInt8], _ secret: HelloSecret, peer index: Int,
    mode: HandshakeMode, suite: Suite, from address: PeerAddress, now: MonotonicTime, using generator: inout R,
    isTaken: (_ id: SessionID, _ peer: Int) -> Bool
  ) -> Outcome {
    let h1 = Transcript(
      helloHeader: header, helloBeforeRetryToken: Array(payload.prefix(Hello.transcriptByteCount)))
    guard let ephemeral = EphemeralKey(entropy: generator.bytes(32)) else { return .dropped(.badSeal) }
    statistics.responses += 1
    statistics.agreements += 1
    var nonce = generator.bytes(32)
    var session = SessionID(initiatorNonce: hello.nonce, responderNonce: nonce)
    while session == .none || isTaken(session, index) {
      nonce = generator.bytes(32)
      session = SessionID(initiatorNonce: hello.nonce, responderNonce: nonce)
    }
    let maximum = min(hello.maximumDatagram, offer.maximumDatagram)
    let state = Biscuit(
      mode: mode.rawValue, suite: suite.rawValue, pair: UInt32(index), epoch: peers[index].peer.epoch,
      counter: secret.counter, initiatorNoncePrefix: Array(hello.nonce.prefix(8)), responderNonce: nonce,
      initiatorEphemeral: hello.ephemeral, responderEphemeralPrivate: ephemeral.privateBytes,
      responderEphemeral: ephemeral.publicKey, transcript1: h1.hash, addressHash: addressHash(address.bytes),
      issuedSeconds: now.nanoseconds / 1_000_000_000, maximumDatagram: maximum)
    let salt = generator.bytes(16)
    let (keyID, sealed) = biscuitKey.sealBiscuit(state.bytes, salt: salt)
    var response = Self.response(state, biscuit: SealedBiscuit(keyID: keyID, salt: salt, sealed: sealed).bytes)
    let transcribed = Array(response.payload.prefix(Response.transcriptByteCount))
    let h2 = h1.adding([transcribed])
    let responseHeader = FrameHeader(type: .response, session: session, payloadByteCount: Response.payloadByteCount)
    response.challenge = suite.seal(
      hello.nonce + nonce, key: EarlySecret(peers[index].peer.keys).challengeKey(h2),
      nonce: [UInt8](repeating: 0, count: 12), additional: responseHeader.bytesWithoutChecksum + transcribed)
    return .reply(HandshakeDatagram.encode(.response, session: session, payload: response.payload))
  }

  /// The RESPONSE a biscuit belongs to, without its challenge: how h2 is found again.
  private static func response(_ state: Biscuit, biscuit: [UInt8]) -> Response {
    Response(
      mode: state.mode, suite: UInt16(state.suite), maximumDatagram: state.maximumDatagram,
      initiatorNoncePrefix: state.initiatorNoncePrefix, nonce: state.responderNonce,
      ephemeral: state.mode == HandshakeMode.hybrid.rawValue
        ? state.responderEphemeral : [UInt8](repeating: 0, count: 32),
      biscuit: biscuit)
  }

  private mutating func takeProof(
    _ payload: [UInt8], _ header: FrameHeader, from address: PeerAddress, now: MonotonicTime,
    encapsulate: ([UInt8]) -> Encapsulated?
  ) -> Outcome {
    guard let message = try? AuthProof(payload: payload), message.session == header.session,
      let sealedBiscuit = try? SealedBiscuit(bytes: message.biscuit)
    else { return .dropped(.malformed) }
    guard
      let stateBytes = biscuitKey.openBiscuit(
        keyID: sealedBiscuit.keyID, salt: sealedBiscuit.salt, sealed: sealedBiscuit.sealed),
      let state = try? Biscuit(bytes: stateBytes), Int(state.pair) < peers.count,
      let mode = HandshakeMode(rawValue: state.mode), let suite = Suite(rawValue: state.suite),
      now.nanoseconds / 1_000_000_000 &- state.issuedSeconds <= Self.biscuitLifetimeSeconds
    else { return .dropped(.staleBiscuit) }
    guard state.addressHash == addressHash(address.bytes) else { return .dropped(.wrongAddress) }
    let session = SessionID(initiatorNonce: state.initiatorNoncePrefix, responderNonce: state.responderNonce)
    guard session == message.session else { return .dropped(.malformed) }
    let index = Int(state.pair)
    let peer = peers[index].peer
    guard peer.epoch == state.epoch, !peers[index].isRetired else { return .dropped(.staleBiscuit) }
    if let answered = peers[index].answered, answered.counter == state.counter {
      // The same AUTH_PROOF again: our FINAL was lost. Nothing is installed a second time.
      guard now < answered.expires, Int(message.fragmentIndex) < answered.payloads.count,
        answered.payloads[Int(message.fragmentIndex)] == payload
      else { return .dropped(.oldCounter) }
      guard message.fragmentIndex == 0 else { return .pending }
      statistics.finals += 1
      return .reply(answered.final)
    }
    guard state.counter > peer.lastCounter else { return .dropped(.oldCounter) }
    let response = Self.response(state, biscuit: message.biscuit)
    let h2 = Transcript(hash: state.transcript1).adding([
      Array(response.payload.prefix(Response.transcriptByteCount))
    ])
    let early = EarlySecret(peer.keys)
    let header1 = header.bytesWithoutChecksum
    let expectedMAC = early.mac2(h2, header: header1, authenticated: message.authenticated, sealed: message.sealed)
    guard equalInConstantTime(expectedMAC, message.mac2) else { return .dropped(.badMAC) }
    guard peers[index].proofBucket.take(now: now) else { return .dropped(.overBudget) }
    if mode == .hybrid { statistics.agreements += 1 }
    guard let secret = Self.handshakeSecret(state, mode, early, h2),
      let part = suite.open(
        message.sealed, key: secret.authProofKey,
        nonce: [UInt8](repeating: 0, count: 11) + [message.fragmentIndex],
        additional: header1 + message.authenticated)
    else { return .dropped(.badProof) }
    guard let (content, payloads) = join(message, payload, part, state, peer: index, now: now) else { return .pending }
    peers[index].partial = nil
    guard let proof = try? ProofContent(bytes: content, hybrid: mode == .hybrid), proof.session == session,
      equalInConstantTime(proof.proof, secret.proof)
    else { return .dropped(.badProof) }
    return finish(
      proof, payloads, state, mode, suite, secret, h3: h2.adding(payloads), session: session, peer: index, now: now,
      encapsulate: encapsulate)
  }

  private static func handshakeSecret(
    _ state: Biscuit, _ mode: HandshakeMode, _ early: EarlySecret, _ h2: Transcript
  ) -> HandshakeSecret? {
    guard mode == .hybrid else { return early.handshakeSecret(h2, agreement: nil) }
    guard let ephemeral = EphemeralKey(entropy: state.responderEphemeralPrivate),
      let agreement = ephemeral.agree(with: state.initiatorEphemeral)
    else { return nil }
    return early.handshakeSecret(h2, agreement: agreement)
  }

  /// Collects the parts of a proof: at most one unfinished proof per pair, for ten seconds.
  private mutating func join(
    _ message: AuthProof, _ payload: [UInt8], _ part: [UInt8], _ state: Biscuit, peer index: Int, now: MonotonicTime
  ) -> (content: [UInt8], payloads: [[UInt8]])? {
    let count = Int(message.fragmentCount)
    if count == 1 { return (part, [payload]) }
    var partial: PartialProof
    if let held = peers[index].partial, held.session == message.session, held.counter == state.counter,
      held.parts.count == count, now < held.expires
    {
      partial = held
    } else {
      partial = PartialProof(
        session: message.session, counter: state.counter, payloads: Array(repeating: nil, count: count),
        parts: Array(repeating: nil, count: count), expires: now + Self.proofLifetime)
    }
    partial.payloads[Int(message.fragmentIndex)] = payload
    partial.parts[Int(message.fragmentIndex)] = part
    peers[index].partial = partial
    let parts = partial.parts.compactMap { $0 }
    guard parts.count == count else { return nil }
    return (parts.flatMap { $0 }, partial.payloads.compactMap { $0 })
  }

  private mutating func finish(
    _ proof: ProofContent, _ payloads: [[UInt8]], _ state: Biscuit, _ mode: HandshakeMode, _ suite: Suite,
    _ secret: HandshakeSecret, h3: Transcript, session: SessionID, peer index: Int, now: MonotonicTime,
    encapsulate: ([UInt8]) -> Encapsulated?
  ) -> Outcome {
    var encapsulated: Encapsulated?
    if mode == .hybrid {
      statistics.encapsulations += 1
      guard let result = encapsulate(proof.kemPublicKey), result.ciphertext.count == Final.kemCiphertextByteCount
      else { return .dropped(.badProof) }
      encapsulated = result
    }
    var message = Final(session: session, kemCiphertext: encapsulated?.ciphertext ?? [])
    let h4 = h3.adding([message.authenticated])
    let master = secret.masterSecret(h3: h3, h4: h4, encapsulated: encapsulated?.secret)
    let parameters = offer.parameters.bytes
    let header = FrameHeader(
      type: .final, session: session, payloadByteCount: message.authenticated.count + parameters.count + 16)
    message.sealed = suite.seal(
      parameters, key: master.finalKey, nonce: [UInt8](repeating: 0, count: 12),
      additional: header.bytesWithoutChecksum + message.authenticated)
    let final = HandshakeDatagram.encode(.final, session: session, payload: message.payload)
    let previous = peers[index].peer.lastCounter
    peers[index].peer.lastCounter = state.counter
    hints.slide(pair: index, keys: peers[index].peer.keys, from: previous, to: state.counter)
    peers[index].answered = AnsweredProof(
      counter: state.counter, payloads: payloads, final: final, expires: now + Self.proofLifetime)
    return .established(
      peer: index, counter: state.counter,
      Established(
        role: .responder, session: session, mode: mode, suite: suite, keys: master.sessionKeys,
        parameters: proof.parameters, maximumDatagram: Int(state.maximumDatagram)),
      final: final)
  }
}
