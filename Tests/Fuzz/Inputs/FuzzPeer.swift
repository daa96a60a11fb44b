import STC
import STTSession
import STTWire

/// A finished handshake with keys that are the same in every run.
struct FixedKeys {
  let initiator: Established
  let responder: Established

  static let seedBytes: [UInt8] = (0..<32).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 3) }

  static func pairKeys() -> PairKeys? {
    let ids: ([UInt8], [UInt8]) = ((0..<32).map { UInt8($0) }, (100..<132).map { UInt8($0) })
    guard let seed = try? Seed(bytes: seedBytes), let pair = try? Pair(initiatorID: ids.0, responderID: ids.1, epoch: 1)
    else { return nil }
    return PairKeys(seed: seed, pair: pair)
  }

  /// Of one handshake in each mode, made when first asked for.
  static let seed = make(hybrid: false)
  static let hybrid = make(hybrid: true)

  private static func make(hybrid: Bool) -> FixedKeys? {
    guard var bench = HandshakeBench(hybrid: hybrid) else { return nil }
    for _ in 0..<4 {
      for datagram in bench.initiator.datagrams(now: bench.now) { bench.toResponder(datagram) }
      for reply in bench.takeReplies() { bench.toInitiator(reply) }
      bench.now = bench.now + .seconds(1)
      if let initiator = bench.initiated, let responder = bench.responded {
        return FixedKeys(initiator: initiator, responder: responder)
      }
    }
    return nil
  }
}

/// One attempt, both sides, with every message in the caller's hands.
struct HandshakeBench {
  static let address = PeerAddress(high: 0, low: 0xFFFF_0A00_0001, port: 4000)

  var random = Seeded(state: 42)
  var now = MonotonicTime(nanoseconds: 5_000_000_000)
  var initiator: InitiatorHandshake
  var responder: ResponderHandshake
  var initiated: Established?
  var responded: Established?
  private var replies: [[UInt8]] = []

  init?(hybrid: Bool) {
    guard let keys = FixedKeys.pairKeys() else { return nil }
    let modes: Set<HandshakeMode> = hybrid ? [.hybrid] : [.seed]
    let made = InitiatorHandshake(
      offer: HandshakeOffer(modes: modes, suites: [.chaCha20Poly1305]), keys: keys, counter: 1, bootID: 1,
      wallMilliseconds: 0, now: now, using: &random)
    guard let made else { return nil }
    initiator = made
    responder = ResponderHandshake(
      offer: HandshakeOffer(modes: [.hybrid, .seed], suites: [.chaCha20Poly1305]), now: now, using: &random)
    _ = responder.add(.init(keys: keys, epoch: 1, lastCounter: 0), now: now)
  }

  mutating func takeReplies() -> [[UInt8]] {
    defer { replies = [] }
    return replies
  }

  @discardableResult
  mutating func toResponder(_ datagram: [UInt8]) -> ResponderHandshake.Outcome {
    guard let header = try? FrameHeader(datagram: datagram.span.bytes) else { return .dropped(.malformed) }
    let outcome = responder.receive(
      datagram.span.bytes, header: header, from: Self.address, now: now, using: &random, isTaken: { _, _ in false },
      encapsulate: Encapsulated.to)
    switch outcome {
    case .reply(let reply): replies.append(reply)
    case .established(_, _, let established, let final):
      responded = established
      replies.append(final)
    case .dropped, .pending: break
    }
    return outcome
  }

  @discardableResult
  mutating func toInitiator(_ datagram: [UInt8]) -> InitiatorHandshake.Outcome {
    guard let header = try? FrameHeader(datagram: datagram.span.bytes) else { return .ignored }
    let outcome = initiator.receive(datagram.span.bytes, header: header, now: now)
    if case .established(let established) = outcome { initiated = established }
    return outcome
  }
}

/// The other end of a session: seals whatever it is told to.
struct FuzzPeer: ~Copyable {
  private var sealer: PacketSealer<InPlaceEngine>
  let session: SessionID

  init(_ established: Established) {
    let keys = established.keys
    sealer = PacketSealer(
      established.role == .initiator ? keys.initiatorToResponder : keys.responderToInitiator, suite: established.suite)
    session = established.session
  }

  mutating func seal(_ type: FrameType, _ flags: UInt16, stream: UInt16, name: SessionID? = nil, _ plaintext: [UInt8])
    -> [UInt8]
  {
    var datagram = [UInt8](repeating: 0, count: SealedDatagram.overheadByteCount + plaintext.count)
    let header = FrameHeader(
      type: type, flags: FrameFlags(rawValue: flags & 0x1C8), session: name ?? session, stream: stream,
      payloadByteCount: datagram.count - FrameHeader.byteCount)
    datagram.withUnsafeMutableBytes { memory in
      plaintext.withUnsafeBytes { _ = sealer.seal(unsafe: memory, header: header, prefix: 0, body: $0) }
    }
    return datagram
  }

  mutating func ratchet() { sealer.ratchet() }
}
