public import STC
public import STTWire

/// One attempt of a device to establish a session: HELLO, perhaps RETRY, RESPONSE, AUTH_PROOF, FINAL
/// (docs/protocol.md 2.5–2.10).
///
/// An attempt never seals two different things under one nonce: what is sent again is sent byte for
/// byte, except the retry token and the MAC over it.
public struct InitiatorHandshake: Sendable {
  /// What a datagram led to.
  public enum Outcome: Sendable {
    /// Not for this attempt, or not authentic: dropped in silence.
    case ignored
    /// The attempt moved on; ask for datagrams.
    case progressed
    case established(Established)
    /// The collector knows the seed and refuses: an authenticated failure.
    case refused(status: UInt8)
  }

  private enum State: Sendable {
    case awaitingResponse(hello: Hello, datagram: [UInt8])
    case awaitingFinal(AwaitingFinal)
    case finished
  }

  private struct AwaitingFinal: Sendable {
    var response: Response
    var session: SessionID
    var mode: HandshakeMode
    var suite: Suite
    var secret: HandshakeSecret
    var h3: Transcript
    var kem: EncapsulationKey?
    var datagrams: [[UInt8]]
  }

  /// docs/protocol.md 2.5.
  static let mostRetries = 4
  /// docs/protocol.md 2.10.
  static let timeoutNanoseconds = UInt64.seconds(10)

  /// After a RETRY, on a link whose round trip is not known.
  static let patience = UInt64.seconds(2)

  private let offer: HandshakeOffer
  private let keys: PairKeys
  private let ephemeral: EphemeralKey
  private let kemEntropy: [UInt8]
  private let h1: Transcript
  private var state: State
  private var retries = 0
  private let isSalted: Bool
  private let begun: MonotonicTime
  /// When a RETRY whose answer got no RESPONSE means that our hint is not known.
  private var unknownAt = MonotonicTime.never
  private var sends = 0
  private var nextSend: MonotonicTime
  /// When the attempt is given up.
  public let deadline: MonotonicTime
  private var jitter: UInt64

  /// - Parameters:
  ///   - counter: from the device's persistent counter, never used before.
  ///   - salted: the collector may have lost our window: use the salted hint, which it answers with
  ///     a RETRY first (docs/protocol.md 2.4).
  public init?<R: RandomNumberGenerator>(
    offer: HandshakeOffer, keys: PairKeys, counter: UInt64, salted: Bool = false, bootID: UInt64,
    wallMilliseconds: UInt64, now: MonotonicTime, using generator: inout R
  ) {
    guard let ephemeral = EphemeralKey(entropy: generator.bytes(32)) else { return nil }
    let hybrid = offer.modes.contains(.hybrid)
    let nonce = generator.bytes(32)
    let salt = generator.bytes(8)
    var hello = Hello(
      modes: offer.modeBits, suites: offer.suiteBits, maximumDatagram: offer.maximumDatagram, nonce: nonce,
      ephemeral: hybrid ? ephemeral.publicKey : [UInt8](repeating: 0, count: 32),
      keyHint: (salted ? keys.hint(salt: salt) : keys.hint(counter: counter)) + salt)
    let header = Self.helloHeader
    let secret = HelloSecret(
      counter: counter, bootID: bootID, wallMilliseconds: wallMilliseconds, capabilities: 0)
    hello.sealed = keys.sealHello(
      secret.bytes, nonce: nonce, header: header, payload: Array(hello.payload.prefix(Hello.sealedOffset)))
    self.offer = offer
    self.keys = keys
    isSalted = salted
    begun = now
    self.ephemeral = ephemeral
    kemEntropy = hybrid ? generator.bytes(64) : []
    h1 = Transcript(
      helloHeader: header, helloBeforeRetryToken: Array(hello.payload.prefix(Hello.transcriptByteCount)))
    state = .awaitingResponse(hello: hello, datagram: Self.helloDatagram(hello, keys))
    nextSend = now
    deadline = now + Self.timeoutNanoseconds
    jitter = generator.next()
  }

  private static var helloHeader: [UInt8] {
    FrameHeader(type: .hello, session: .none, payloadByteCount: Hello.payloadByteCount).bytesWithoutChecksum
  }

  private static func helloDatagram(_ hello: Hello, _ keys: PairKeys) -> [UInt8] {
    var signed = hello
    signed.mac1 = keys.mac1(header: helloHeader, payload: Array(hello.payload.dropLast(16)))
    return HandshakeDatagram.encode(.hello, session: .none, payload: signed.payload)
  }

  /// When ``datagrams(now:)`` or the attempt's end is due.
  public var nextDeadline: MonotonicTime { min(nextSend, deadline, hasVerifiedResponse ? .never : unknownAt) }

  /// Whether the collector has proven itself; it may have accepted our counter from here on.
  public var hasVerifiedResponse: Bool {
    if case .awaitingResponse = state { return false }
    return true
  }

  public func isExpired(now: MonotonicTime) -> Bool { now >= deadline }

  /// The collector proved our address and then said nothing: most likely it does not know our hint, and
  /// a salted one will do (docs/protocol.md 2.4).
  public func isUnknown(now: MonotonicTime) -> Bool { !hasVerifiedResponse && now >= unknownAt }

  /// What to send now: the present message, at 0, 0.25, 0.75, 1.75 s and on, with jitter
  /// (docs/protocol.md 2.10).
  public mutating func datagrams(now: MonotonicTime) -> [[UInt8]] {
    guard now >= nextSend, now < deadline else { return [] }
    let base = UInt64.milliseconds(250) << UInt64(min(sends, 3))
    jitter = jitter &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    nextSend = now + (base - base / 4 + (jitter >> 33) % (base / 2))
    sends += 1
    switch state {
    case .awaitingResponse(_, let datagram): return [datagram]
    case .awaitingFinal(let awaiting): return awaiting.datagrams
    case .finished: return []
    }
  }

  /// Takes a handshake datagram. `header` was read from it.
  public mutating func receive(_ datagram: RawSpan, header: FrameHeader, now: MonotonicTime) -> Outcome {
    guard let payload = try? HandshakeDatagram.payload(of: datagram, header: header) else { return .ignored }
    switch (state, header.type) {
    case (.awaitingResponse(let hello, _), .response):
      if header.flags.contains(.retry) {
        guard header.session == .none, header.stream == 0, header.sequence == 0 else { return .ignored }
        return takeRetry(payload, hello, now)
      }
      return takeResponse(payload, header, hello, now)
    case (.awaitingFinal(let awaiting), .final):
      return takeFinal(payload, header, awaiting)
    default:
      return .ignored
    }
  }

  private mutating func takeRetry(_ payload: [UInt8], _ hello: Hello, _ now: MonotonicTime) -> Outcome {
    guard let retry = try? Retry(payload: payload), retry.initiatorNonce == hello.nonce,
      retries < Self.mostRetries, retry.token != hello.retryToken
    else { return .ignored }
    retries += 1
    if !isSalted, unknownAt == .never {
      unknownAt = now + max(Self.patience, 3 * now.since(begun))
    }
    var again = hello
    again.retryToken = retry.token
    state = .awaitingResponse(hello: again, datagram: Self.helloDatagram(again, keys))
    nextSend = now
    return .progressed
  }

  private mutating func takeResponse(
    _ payload: [UInt8], _ header: FrameHeader, _ hello: Hello, _ now: MonotonicTime
  ) -> Outcome {
    guard let response = try? Response(payload: payload),
      response.initiatorNoncePrefix == Array(hello.nonce.prefix(8)),
      let mode = HandshakeMode(rawValue: response.mode), offer.modes.contains(mode),
      response.suite <= 255, let suite = Suite(rawValue: UInt8(response.suite)), offer.suites.contains(suite),
      response.maximumDatagram >= smallestMaximumDatagram, response.maximumDatagram <= offer.maximumDatagram
    else { return .ignored }
    let session = SessionID(initiatorNonce: hello.nonce, responderNonce: response.nonce)
    guard header.session == session, session != .none else { return .ignored }
    let transcribed = Array(payload.prefix(Response.transcriptByteCount))
    let h2 = h1.adding([transcribed])
    let early = EarlySecret(keys)
    let challenge = suite.open(
      response.challenge, key: early.challengeKey(h2), nonce: [UInt8](repeating: 0, count: 12),
      additional: header.bytesWithoutChecksum + transcribed)
    guard challenge == hello.nonce + response.nonce else { return .ignored }
    var agreement: Secret?
    var kem: EncapsulationKey?
    if mode == .hybrid {
      agreement = ephemeral.agree(with: response.ephemeral)
      kem = EncapsulationKey(entropy: kemEntropy)
      guard agreement != nil, kem != nil else { return .ignored }
    }
    let secret = early.handshakeSecret(h2, agreement: agreement)
    let content = ProofContent(
      session: session, proof: secret.proof, kemPublicKey: kem?.publicKey ?? [], parameters: offer.parameters)
    let (datagrams, payloads) = Self.authProof(
      content.bytes, session: session, biscuit: response.biscuit, suite: suite, early: early, secret: secret, h2: h2)
    state = .awaitingFinal(
      AwaitingFinal(
        response: response, session: session, mode: mode, suite: suite, secret: secret, h3: h2.adding(payloads),
        kem: kem, datagrams: datagrams))
    nextSend = now
    sends = 0
    return .progressed
  }

  /// Cuts the proof into datagrams, each carrying the biscuit and authenticated by itself.
  private static func authProof(
    _ content: [UInt8], session: SessionID, biscuit: [UInt8], suite: Suite, early: EarlySecret,
    secret: HandshakeSecret, h2: Transcript
  ) -> (datagrams: [[UInt8]], payloads: [[UInt8]]) {
    let count = (content.count + AuthProof.partCapacity - 1) / AuthProof.partCapacity
    var datagrams: [[UInt8]] = []
    var payloads: [[UInt8]] = []
    for index in 0..<count {
      let part = Array(content.dropFirst(index * AuthProof.partCapacity).prefix(AuthProof.partCapacity))
      var message = AuthProof(
        session: session, fragmentIndex: UInt8(index), fragmentCount: UInt8(count), biscuit: biscuit)
      let header = FrameHeader(
        type: .authProof, session: session,
        payloadByteCount: AuthProof.authenticatedByteCount + 16 + part.count + 16
      ).bytesWithoutChecksum
      let authenticated = message.authenticated
      message.sealed = suite.seal(
        part, key: secret.authProofKey, nonce: [UInt8](repeating: 0, count: 11) + [UInt8(index)],
        additional: header + authenticated)
      message.mac2 = early.mac2(h2, header: header, authenticated: authenticated, sealed: message.sealed)
      let payload = message.payload
      payloads.append(payload)
      datagrams.append(HandshakeDatagram.encode(.authProof, session: session, payload: payload))
    }
    return (datagrams, payloads)
  }

  private mutating func takeFinal(_ payload: [UInt8], _ header: FrameHeader, _ awaiting: AwaitingFinal) -> Outcome {
    guard header.session == awaiting.session,
      let message = try? Final(payload: payload, hybrid: awaiting.mode == .hybrid),
      message.session == awaiting.session
    else { return .ignored }
    let zero = [UInt8](repeating: 0, count: 12)
    let additional = header.bytesWithoutChecksum + message.authenticated
    if message.status != 0 {
      let opened = awaiting.suite.open(
        message.sealed, key: awaiting.secret.failureKey, nonce: zero, additional: additional)
      guard opened != nil else { return .ignored }
      state = .finished
      return .refused(status: message.status)
    }
    var encapsulated: Secret?
    if let kem = awaiting.kem {
      encapsulated = kem.decapsulate(message.kemCiphertext)
      guard encapsulated != nil else { return .ignored }
    }
    let h4 = awaiting.h3.adding([message.authenticated])
    let master = awaiting.secret.masterSecret(h3: awaiting.h3, h4: h4, encapsulated: encapsulated)
    guard
      let opened = awaiting.suite.open(message.sealed, key: master.finalKey, nonce: zero, additional: additional),
      let parameters = try? SessionParameters(bytes: opened)
    else { return .ignored }
    state = .finished
    return .established(
      Established(
        role: .initiator, session: awaiting.session, mode: awaiting.mode, suite: awaiting.suite,
        keys: master.sessionKeys, parameters: parameters, maximumDatagram: Int(awaiting.response.maximumDatagram)))
  }
}
