import STC
import STTWire
import Testing

@testable import STTSession

/// Attacks on the handshake that docs/threats.md lists and no other suite mounts.
@Suite struct AttackTests {
  private typealias Bench = HandshakeBench
  private static let variants = HandshakeTests.variants

  private func initiator(_ counter: UInt64, wall: UInt64 = 0, _ random: inout Seeded) throws -> InitiatorHandshake {
    let made = InitiatorHandshake(
      offer: HandshakeOffer(modes: [.hybrid], suites: [.chaCha20Poly1305]),
      keys: PairKeys(seed: try Bench.seed(), pair: try Bench.pair()), counter: counter, bootID: 1, wallMilliseconds: wall,
      now: MonotonicTime(nanoseconds: 5_000_000_000), using: &random)
    return try #require(made)
  }

  @Test("A1: a device that is a collector too, with the same seed, makes no session with itself", arguments: [false, true])
  func reflectionWithRetry(salted: Bool) throws {
    let bench = try Bench(counter: 5, salted: salted)
    bench.responder = ResponderHandshake(
      offer: HandshakeOffer(modes: [.hybrid, .seed], suites: [.aes256GCM, .chaCha20Poly1305]), now: bench.now,
      using: &bench.random)
    _ = bench.responder.add(
      .init(keys: PairKeys(seed: try Bench.seed(), pair: try Bench.pair(swapped: true)), epoch: 1, lastCounter: 0),
      now: bench.now)
    var hello = bench.hello()
    for _ in 0..<4 {
      guard case .reply(let answer) = bench.toResponder(hello) else { break }
      #expect(answer.count == 92, "RETRY, and no RESPONSE")
      guard case .progressed = bench.toInitiator(answer) else { break }
      hello = bench.hello()
    }
    #expect(bench.responder.statistics.responses == 0 && bench.responder.statistics.agreements == 0)
    #expect(!bench.initiator.hasVerifiedResponse)
    #expect(throws: Pair.Invalid.sameNode) {
      try Pair(initiatorID: [UInt8](repeating: 7, count: 32), responderID: [UInt8](repeating: 7, count: 32), epoch: 1)
    }
  }

  @Test("A4: modes and suites rewritten on the way, in HELLO, in RESPONSE and in both, give no session")
  func downgrade() throws {
    for modes in [UInt8(1), 2] {
      for suites in [UInt8(1), 2] {
        let bench = try Bench()
        bench.initiator = try #require(
          InitiatorHandshake(
            offer: HandshakeOffer(modes: [.hybrid, .seed], suites: [.aes256GCM, .chaCha20Poly1305]), keys: bench.keys,
            counter: 1, bootID: 1, wallMilliseconds: 0, now: bench.now, using: &bench.random))
        let genuine = bench.hello()
        var hello = genuine
        hello[FrameHeader.byteCount + 1] = modes
        hello[FrameHeader.byteCount + 2] = suites
        guard case .dropped(.badMAC) = bench.toResponder(hello.rechecked()) else {
          Issue.record("modes \(modes), suites \(suites) were taken")
          continue
        }
        let sent = try #require(bench.response(to: genuine))
        var response = sent
        response[FrameHeader.byteCount + 1] = modes
        response[FrameHeader.byteCount + 2] = suites
        let changed = response.rechecked()
        if changed == sent { continue }
        guard case .ignored = bench.toInitiator(changed) else {
          Issue.record("RESPONSE with modes \(modes), suites \(suites) was taken")
          continue
        }
      }
    }
  }

  @Test("A5: a FINAL of any status that the collector did not make ends nothing and completes nothing", arguments: variants)
  func forgedFinal(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try Bench(mode: mode, suite: suite)
    let response = try #require(bench.response(to: bench.hello()))
    let proofs = try #require(bench.proofs(after: response))
    let header = try FrameHeader(datagram: response.span.bytes)
    for status in 0...255 as ClosedRange<UInt8> {
      for length in [16, 22, 72] {
        let forged = Final(
          session: header.session, status: status,
          kemCiphertext: bench.random.bytes(mode == .hybrid && status == 0 ? Final.kemCiphertextByteCount : 0),
          sealed: bench.random.bytes(length))
        let datagram = HandshakeDatagram.encode(.final, session: header.session, payload: forged.payload)
        guard case .ignored = bench.toInitiator(datagram) else {
          Issue.record("status \(status) was taken")
          return
        }
      }
    }
    var final: [UInt8]?
    for proof in proofs { if case .established(_, _, _, let made) = bench.toResponder(proof) { final = made } }
    guard case .established = bench.toInitiator(try #require(final)) else {
      Issue.record("the genuine one is still good")
      return
    }
  }

  @Test("A7: a collector whose random numbers repeat gives two handshakes different keys")
  func responderRepeatsItself() throws {
    var finals: [Established] = []
    for counter in 1...2 as ClosedRange<UInt64> {
      let bench = try Bench(counter: counter)
      var fresh = Seeded(state: 1000 + counter)
      bench.initiator = try initiator(counter, &fresh)
      bench.random.state = 99
      finals.append(try #require(bench.run()).collector)
    }
    #expect(finals[0].keys.initiatorToResponder.fingerprint != finals[1].keys.initiatorToResponder.fingerprint)
    #expect(finals[0].keys.responderToInitiator.fingerprint != finals[1].keys.responderToInitiator.fingerprint)
  }

  @Test("A7: two devices from one image, down to the same random numbers and counter, share no key, and one is refused")
  func clonedDevice() throws {
    let bench = try Bench(counter: 1)
    var (first, second) = (Seeded(state: 7), Seeded(state: 7))
    bench.initiator = try initiator(1, &first)
    let one = try #require(bench.run())
    bench.initiator = try initiator(1, &second)
    let hello = bench.hello()
    #expect(hello == one.hello)
    #expect(bench.response(to: hello).map { $0.count } != 440, "its counter was used")
    // A collector that forgot its counters as well, rolled back with its disk.
    let forgetful = try Bench(counter: 1)
    forgetful.random.state = 12_345
    var third = Seeded(state: 7)
    forgetful.initiator = try initiator(1, &third)
    let other = try #require(forgetful.run())
    #expect(other.device.session != one.device.session)
    #expect(other.device.keys.initiatorToResponder.fingerprint != one.device.keys.initiatorToResponder.fingerprint)
  }

  @Test("A7: a session name that is in use is never given again")
  func namesInUseAreAvoided() throws {
    let bench = try Bench()
    let hello = bench.hello()
    let header = try FrameHeader(datagram: hello.span.bytes)
    let state = bench.random.state
    let first = try #require(bench.response(to: hello))
    bench.random.state = state
    let taken = try FrameHeader(datagram: first.span.bytes).session
    let outcome = bench.responder.receive(
      hello.span.bytes, header: header, from: Bench.home, now: bench.now, using: &bench.random,
      isTaken: { id, _ in id == taken }, encapsulate: Encapsulated.to)
    guard case .reply(let second) = outcome else {
      Issue.record("HELLO is answered again")
      return
    }
    #expect(try FrameHeader(datagram: second.span.bytes).session != taken)
  }

  @Test("A8: a proof is its own device's, whoever's biscuit and session it is sent with")
  func peersAreNotConfused() throws {
    let bench = try Bench(mode: .seed)
    var random = Seeded(state: 77)
    let otherPair = try Pair(initiatorID: random.bytes(32), responderID: random.bytes(32), epoch: 1)
    let otherKeys = PairKeys(seed: try Bench.seed(91), pair: otherPair)
    let other = bench.responder.add(.init(keys: otherKeys, epoch: 1, lastCounter: 0), now: bench.now)
    let response = try #require(bench.response(to: bench.hello()))
    let proof = try #require(bench.proofs(after: response)).first ?? []
    var second = try #require(
      InitiatorHandshake(
        offer: HandshakeOffer(modes: [.seed], suites: [.chaCha20Poly1305]), keys: otherKeys, counter: 1, bootID: 1,
        wallMilliseconds: 0, now: bench.now, using: &random))
    let otherResponse = try #require(bench.response(to: second.datagrams(now: bench.now).first ?? []))
    let otherHeader = try FrameHeader(datagram: otherResponse.span.bytes)
    _ = second.receive(otherResponse.span.bytes, header: otherHeader, now: bench.now)
    let otherProof = second.datagrams(now: bench.now).first ?? []
    #expect(otherProof.count == proof.count)
    // Each one's session and biscuit before the other's seal, and every place they may be joined at.
    for cut in stride(from: 4, to: proof.count - 4, by: 3) {
      for (head, tail) in [(proof, otherProof), (otherProof, proof)] {
        let spliced = Array(head[..<cut] + tail[cut...]).rechecked()
        if spliced == proof || spliced == otherProof { continue }
        guard case .dropped = bench.toResponder(spliced) else {
          Issue.record("a splice at \(cut) was taken")
          return
        }
      }
    }
    // The other's RESPONSE is nothing to this device.
    guard case .ignored = bench.toInitiator(otherResponse) else {
      Issue.record("another's RESPONSE was taken")
      return
    }
    guard case .established(0, 1, _, _) = bench.toResponder(proof),
      case .established(other, 1, _, _) = bench.toResponder(otherProof)
    else {
      Issue.record("each proof makes its own device's session")
      return
    }
  }

  @Test("A9: a HELLO, its own or another's, injected into an initiator at any time changes nothing", arguments: variants)
  func helloIntoInitiator(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try Bench(mode: mode, suite: suite)
    var random = Seeded(state: 5)
    var foreign = try initiator(9, &random)
    let own = bench.hello()
    let injected = [own, foreign.datagrams(now: bench.now).first ?? []]
    func inject() {
      for hello in injected {
        guard case .ignored = bench.toInitiator(hello) else {
          Issue.record("an initiator takes no HELLO")
          return
        }
      }
    }
    inject()
    let response = try #require(bench.response(to: own))
    inject()
    let proofs = try #require(bench.proofs(after: response))
    inject()
    var final: [UInt8] = []
    for proof in proofs { if case .established(_, _, _, let made) = bench.toResponder(proof) { final = made } }
    inject()
    guard case .established = bench.toInitiator(final) else {
      Issue.record("the handshake completes all the same")
      return
    }
    inject()
  }

  @Test(
    "A10: every message of a finished handshake again, to both ends and to a restarted collector: nothing is installed",
    arguments: variants)
  func handshakeAgain(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try Bench(mode: mode, suite: suite)
    let messages = try #require(bench.run())
    let all = [messages.hello, messages.response, messages.final] + messages.proofs
    let restarted = try Bench(mode: mode, suite: suite, counter: 2, lastCounter: 1)
    restarted.random.state = 31
    for target in [bench, restarted] {
      for message in all {
        for address in [Bench.home, Bench.elsewhere] {
          switch target.toResponder(message, from: address) {
          case .established: Issue.record("a replay made a session")
          case .reply(let answer): #expect(answer.count <= message.count && (answer.count == 92 || answer == messages.final))
          case .dropped, .pending: break
          }
        }
        guard case .ignored = target.toInitiator(message) else {
          Issue.record("an initiator took a message of an old handshake")
          return
        }
      }
      #expect(target.responder.statistics.responses == (target === bench ? 1 : 0))
    }
    // Between its own messages, too, a new handshake takes none of the old.
    let hello = restarted.hello()
    let response = try #require(restarted.response(to: hello))
    for message in all { _ = restarted.toInitiator(message) }
    let proofs = try #require(restarted.proofs(after: response))
    for message in all { _ = restarted.toResponder(message) }
    var final: [UInt8] = []
    for proof in proofs { if case .established(_, 2, _, let made) = restarted.toResponder(proof) { final = made } }
    for message in all {
      guard case .ignored = restarted.toInitiator(message) else {
        Issue.record("an old message was taken for FINAL")
        return
      }
    }
    guard case .established = restarted.toInitiator(final) else {
      Issue.record("the new handshake completes")
      return
    }
  }

  @Test("A11: no wall clock is too wrong to connect, and none locks the next handshake out")
  func clocksDecideNothing() throws {
    let halfCentury: UInt64 = 50 * 366 * 86_400_000
    let now: UInt64 = 1_795_000_000_000
    let bench = try Bench(counter: 1)
    for (index, wall) in [now, now + halfCentury, .max, now - halfCentury, 0, 0, now].enumerated() {
      var random = Seeded(state: UInt64(index))
      bench.initiator = try initiator(UInt64(index) + 1, wall: wall, &random)
      #expect(bench.run() != nil, "wall clock \(wall)")
      // The collector's monotonic clock may stand still as well.
      if index > 3 { bench.now = bench.now + .seconds(1) }
    }
  }

  @Test("A12: whatever is wrong with a message, the answer is the same silence", arguments: variants)
  func failuresAreSilent(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try Bench(mode: mode, suite: suite, retriesPerSecond: 1)
    let hello = bench.hello()
    var reasons: Set<ResponderHandshake.Rejection> = []
    func send(_ datagram: [UInt8], from address: PeerAddress = Bench.home) {
      switch bench.toResponder(datagram, from: address) {
      case .dropped(let reason): reasons.insert(reason)
      case .reply, .pending, .established: Issue.record("something was answered after \(reasons)")
      }
    }
    var stranger = hello
    stranger[FrameHeader.byteCount + 72] ^= 1
    _ = bench.toResponder(stranger.rechecked())
    send(stranger.rechecked())
    send(Array(hello.dropLast()))
    send(hello.flipping(bit: 8 * (hello.count - 8)))
    let response = try #require(bench.response(to: hello))
    let proofs = try #require(bench.proofs(after: response))
    send(proofs[0], from: Bench.elsewhere)
    send(proofs[0].flipping(bit: 8 * (FrameHeader.byteCount + 30)))
    send(proofs[0].flipping(bit: 8 * (proofs[0].count - 8)))
    for proof in proofs { _ = bench.toResponder(proof) }
    send(proofs[0].flipping(bit: 8 * (proofs[0].count - 8)))
    #expect(reasons.isSuperset(of: [.unknownHint, .malformed, .badMAC, .wrongAddress, .staleBiscuit, .oldCounter]))
    // And FINAL's failures, at the device: `forgedFinal`.
  }

  @Test("A13: two HELLOs of one device have no more in common than two devices' HELLOs")
  func hellosAreNotLinked() throws {
    var random = Seeded(state: 2026)
    func hellos(_ keys: PairKeys, _ counters: ClosedRange<UInt64>) throws -> [[UInt8]] {
      try counters.map { counter in
        var made = try #require(
          InitiatorHandshake(
            offer: HandshakeOffer(suites: [.chaCha20Poly1305]), keys: keys, counter: counter, salted: counter % 2 == 0,
            bootID: 7,
            wallMilliseconds: 1, now: MonotonicTime(nanoseconds: 1), using: &random))
        return made.datagrams(now: MonotonicTime(nanoseconds: 1)).first ?? []
      }
    }
    let (identity, other) = (random.bytes(32), random.bytes(32))
    let pair = try Pair(initiatorID: identity, responderID: other, epoch: 1)
    let mine = try hellos(PairKeys(seed: try Bench.seed(), pair: pair), 1...60)
    let theirs = try hellos(PairKeys(seed: try Bench.seed(44), pair: try Bench.pair()), 1...60)
    func constants(_ all: [[UInt8]]) -> Set<Int> {
      Set(all[0].indices.filter { index in all.allSatisfy { $0[index] == all[0][index] } })
    }
    #expect(constants(mine) == constants(mine + theirs))
    for hello in mine {
      for secret in [identity, other] {
        for start in 0...24 {
          #expect(!hello.contains(secret[start..<start + 8]), "a node's id is in the clear")
        }
      }
    }
  }

  @Test("B16: who steals the seed and has recorded everything reads a SEED session, and no HYBRID one", arguments: variants)
  func thiefWithSeedAndRecording(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try Bench(mode: mode, suite: suite)
    let messages = try #require(bench.run())
    func payload(_ datagram: [UInt8]) -> [UInt8] { Array(datagram[FrameHeader.byteCount..<datagram.count - 4]) }
    func header(_ datagram: [UInt8]) throws -> [UInt8] {
      try FrameHeader(datagram: datagram.span.bytes).bytesWithoutChecksum
    }
    let h1 = Transcript(
      helloHeader: try header(messages.hello),
      helloBeforeRetryToken: Array(payload(messages.hello).prefix(Hello.transcriptByteCount)))
    let h2 = h1.adding([Array(payload(messages.response).prefix(Response.transcriptByteCount))])
    let h3 = h2.adding(messages.proofs.map(payload))
    let h4 = h3.adding([try Final(payload: payload(messages.final), hybrid: mode == .hybrid).authenticated])
    let early = EarlySecret(PairKeys(seed: try Bench.seed(), pair: try Bench.pair()))
    let guessed = early.handshakeSecret(h2, agreement: nil).masterSecret(h3: h3, h4: h4, encapsulated: nil).sessionKeys
    let isRead = guessed.initiatorToResponder.fingerprint == messages.device.keys.initiatorToResponder.fingerprint
    #expect(isRead == (mode == .seed))
  }

  @Test("a HELLO on its way to us, sent from a thousand other places first, does not keep its device out")
  func withheldHello() throws {
    let bench = try Bench()
    let hello = bench.hello()
    for host in 0..<1000 {
      let address = PeerAddress(high: 0, low: 0xFFFF_7F00_0000 + UInt64(host), port: UInt16(1024 + host))
      if case .reply(let answer) = bench.toResponder(hello, from: address) { #expect(answer.count <= hello.count) }
    }
    #expect(bench.responder.statistics.responses <= 11, "RESPONSEs have a budget")
    guard case .reply(let retry) = bench.toResponder(hello), retry.count == 92, case .progressed = bench.toInitiator(retry)
    else {
      Issue.record("the device is asked to prove its address")
      return
    }
    #expect(bench.run() != nil)
  }

  @Test("strangers' HELLOs, however many, cost no public-key operation and leave nothing behind")
  func junkLeavesNothing() throws {
    let bench = try Bench(retriesPerSecond: 1000)
    let mine = bench.hello()
    let count: UInt64 = 20_000
    for _ in 0..<count {
      let stranger = Hello(
        modes: 3, suites: 3, maximumDatagram: 1200, nonce: bench.random.bytes(32), ephemeral: bench.random.bytes(32),
        keyHint: bench.random.bytes(16), sealed: bench.random.bytes(48))
      let datagram = HandshakeDatagram.encode(.hello, session: .none, payload: stranger.payload)
      let header = FrameHeader(type: .hello, session: .none, payloadByteCount: Hello.payloadByteCount)
      _ = bench.responder.receive(
        datagram.span.bytes, header: header, from: Bench.elsewhere, now: bench.now, using: &bench.random,
        isTaken: { _, _ in false }, encapsulate: Encapsulated.to)
    }
    let statistics = bench.responder.statistics
    #expect(statistics.hellos == count && statistics.agreements == 0 && statistics.responses == 0)
    #expect(statistics.retries == 1000 && statistics.dropped(.unknownHint) == count - 1000)
    #expect(statistics.bytesAnswered == 92_000 && statistics.bytesAnswered <= statistics.bytesReceived)
    #expect(bench.response(to: mine) != nil)
  }
}
