import STC
import STTWire
import Testing

@testable import STTSession

@Suite struct HandshakeTests {
  static let variants: [(HandshakeMode, STC.Suite)] = [
    (.hybrid, .chaCha20Poly1305), (.hybrid, .aes256GCM), (.seed, .chaCha20Poly1305), (.seed, .aes256GCM),
  ]

  @Test("both ends derive the same session, in both modes and suites", arguments: variants)
  func completes(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try HandshakeBench(mode: mode, suite: suite)
    let messages = try #require(bench.run())
    #expect(messages.device.session == messages.collector.session)
    #expect(messages.device.suite == suite && messages.collector.mode == mode)
    #expect(sameKeys(messages.device, messages.collector))
    #expect(messages.proofs.count == (mode == .hybrid ? 2 : 1))
  }

  @Test("no answer is larger than the question", arguments: variants)
  func answersAreNotLarger(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try HandshakeBench(mode: mode, suite: suite)
    let messages = try #require(bench.run())
    #expect(messages.response.count <= messages.hello.count)
    #expect(messages.final.count <= messages.proofs.reduce(0) { $0 + $1.count })
    #expect(messages.hello.count == 440 && messages.response.count == 440)
  }

  @Test("another seed gets nothing but a RETRY smaller than its HELLO, and no more of those than the budget")
  func wrongSeed() throws {
    let bench = try HandshakeBench(deviceSeed: 9, retriesPerSecond: 10)
    let hello = bench.hello()
    var retries = 0
    for _ in 0..<100 {
      if case .reply(let retry) = bench.toResponder(hello) {
        retries += 1
        #expect(retry.count == 92)
      }
    }
    #expect(retries == 10)
  }

  @Test("HELLO with a right address proof and a wrong seed gets silence")
  func wrongSeedAfterRetry() throws {
    let bench = try HandshakeBench(deviceSeed: 9)
    let hello = bench.hello()
    guard case .reply(let retry) = bench.toResponder(hello), case .progressed = bench.toInitiator(retry) else {
      Issue.record("a stranger is asked to prove its address")
      return
    }
    guard case .dropped(.unknownHint) = bench.toResponder(bench.hello()) else {
      Issue.record("and then told nothing")
      return
    }
  }

  @Test("a device outside its window is found by its salted hint after proving its address")
  func saltedHint() throws {
    let bench = try HandshakeBench(counter: 5000, salted: true)
    guard case .reply(let retry) = bench.toResponder(bench.hello()), case .progressed = bench.toInitiator(retry) else {
      Issue.record("an unknown hint is answered by RETRY")
      return
    }
    #expect(bench.run() != nil)
  }

  @Test("a HELLO reflected to its sender is no message for it, and a collector with swapped roles doesn't know it")
  func reflection() throws {
    let bench = try HandshakeBench()
    let hello = bench.hello()
    guard case .ignored = bench.toInitiator(hello) else {
      Issue.record("an initiator takes no HELLO")
      return
    }
    let mirror = try HandshakeBench()
    mirror.responder = ResponderHandshake(
      offer: HandshakeOffer(modes: [.hybrid], suites: [.chaCha20Poly1305]), now: mirror.now, using: &mirror.random)
    _ = mirror.responder.add(
      .init(
        keys: PairKeys(seed: try HandshakeBench.seed(), pair: try HandshakeBench.pair(swapped: true)), epoch: 1,
        lastCounter: 0), now: mirror.now)
    if case .reply(let answer) = mirror.toResponder(hello) { #expect(answer.count == 92, "no RESPONSE, only RETRY") }
  }

  @Test("every bit of HELLO changed, checksums mended: no RESPONSE", arguments: variants)
  func helloFlips(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try HandshakeBench(mode: mode, suite: suite)
    let hello = bench.hello()
    for bit in 0..<(hello.count - 4) * 8 where !(176..<192).contains(bit) {
      bench.now = bench.now + .seconds(10)
      if case .reply(let answer) = bench.toResponder(hello.flipping(bit: bit)) {
        #expect(answer.count == 92, "bit \(bit) got a RESPONSE")
      }
    }
  }

  @Test("every bit of RESPONSE changed: the device goes nowhere", arguments: variants)
  func responseFlips(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try HandshakeBench(mode: mode, suite: suite)
    let hello = bench.hello()
    let response = try #require(bench.response(to: hello))
    for bit in 0..<(response.count - 4) * 8 where !(176..<192).contains(bit) {
      guard case .ignored = bench.toInitiator(response.flipping(bit: bit)) else {
        Issue.record("bit \(bit) was taken")
        return
      }
    }
    #expect(bench.proofs(after: response) != nil, "the genuine one is still good")
  }

  @Test("every bit of AUTH_PROOF changed: nothing is installed, and the genuine one still is", arguments: variants)
  func proofFlips(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try HandshakeBench(mode: mode, suite: suite)
    let hello = bench.hello()
    let response = try #require(bench.response(to: hello))
    let proofs = try #require(bench.proofs(after: response))
    for proof in proofs {
      for bit in 0..<(proof.count - 4) * 8 where !(176..<192).contains(bit) {
        switch bench.toResponder(proof.flipping(bit: bit)) {
        case .dropped: break
        case .pending, .reply, .established: Issue.record("bit \(bit) of \(proof.count) bytes was taken")
        }
      }
    }
    var outcomes: [Bool] = []
    for proof in proofs {
      if case .established = bench.toResponder(proof) { outcomes.append(true) } else { outcomes.append(false) }
    }
    #expect(outcomes.last == true)
  }

  @Test("every bit of FINAL changed: the device installs nothing", arguments: variants)
  func finalFlips(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try HandshakeBench(mode: mode, suite: suite)
    let response = try #require(bench.response(to: bench.hello()))
    let proofs = try #require(bench.proofs(after: response))
    var found: [UInt8]?
    for proof in proofs { if case .established(_, _, _, let final) = bench.toResponder(proof) { found = final } }
    let final = try #require(found)
    for bit in 0..<(final.count - 4) * 8 where !(176..<192).contains(bit) {
      guard case .ignored = bench.toInitiator(final.flipping(bit: bit)) else {
        Issue.record("bit \(bit) was taken")
        return
      }
    }
    guard case .established = bench.toInitiator(final) else {
      Issue.record("the genuine one is still good")
      return
    }
  }

  @Test("every truncation of every message is dropped", arguments: variants)
  func truncations(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try HandshakeBench(mode: mode, suite: suite)
    let messages = try #require(bench.run())
    let fresh = try HandshakeBench(mode: mode, suite: suite)
    for message in [messages.hello, messages.response, messages.final] + messages.proofs {
      for count in 0..<message.count {
        let cut = Array(message[..<count])
        guard case .dropped = fresh.toResponder(cut), case .ignored = fresh.toInitiator(cut) else {
          Issue.record("\(count) of \(message.count) bytes were taken")
          return
        }
      }
    }
  }

  @Test("AUTH_PROOF again: the same FINAL again, and nothing is installed a second time", arguments: variants)
  func proofReplay(mode: HandshakeMode, suite: STC.Suite) throws {
    let bench = try HandshakeBench(mode: mode, suite: suite)
    let messages = try #require(bench.run())
    var finals: [[UInt8]] = []
    for proof in messages.proofs {
      switch bench.toResponder(proof) {
      case .reply(let final): finals.append(final)
      case .pending: break
      case .established, .dropped: Issue.record("a repeated proof is answered with the cached FINAL alone")
      }
    }
    #expect(finals == [messages.final])
    bench.now = bench.now + .seconds(11)
    for proof in messages.proofs {
      guard case .dropped = bench.toResponder(proof) else {
        Issue.record("after ten seconds it is silence")
        return
      }
    }
  }

  @Test("HELLO of an accepted handshake again is silence, whatever its clock says")
  func helloReplay() throws {
    let bench = try HandshakeBench()
    let messages = try #require(bench.run())
    for delay: UInt64 in [0, 1, 3600, 86_400 * 365] {
      bench.now = bench.now + .seconds(delay)
      if case .reply(let answer) = bench.toResponder(messages.hello) {
        #expect(answer.count == 92, "an old hint is a stranger's: RETRY at most")
      }
    }
  }

  @Test("one HELLO from a second address must prove that address")
  func twoAddresses() throws {
    let bench = try HandshakeBench()
    let hello = bench.hello()
    guard case .reply(let response) = bench.toResponder(hello), response.count == 440 else {
      Issue.record("the first gets RESPONSE")
      return
    }
    guard case .reply(let retry) = bench.toResponder(hello, from: HandshakeBench.elsewhere), retry.count == 92 else {
      Issue.record("the second gets RETRY")
      return
    }
  }

  @Test("a proof from another address than its biscuit's is silence")
  func biscuitIsBoundToItsAddress() throws {
    let bench = try HandshakeBench(mode: .seed)
    let response = try #require(bench.response(to: bench.hello()))
    let proofs = try #require(bench.proofs(after: response))
    guard case .dropped(.wrongAddress) = bench.toResponder(proofs[0], from: HandshakeBench.elsewhere) else {
      Issue.record("the address is part of the biscuit")
      return
    }
  }

  @Test("a biscuit older than its key is silence")
  func staleBiscuit() throws {
    let bench = try HandshakeBench(mode: .seed)
    let response = try #require(bench.response(to: bench.hello()))
    let proofs = try #require(bench.proofs(after: response))
    for _ in 0..<2 {
      bench.now = bench.now + .seconds(61)
      _ = bench.toResponder([1, 2, 3])
      _ = bench.toResponder(bench.initiator.datagrams(now: bench.now).first ?? [])
    }
    bench.now = bench.now + .seconds(61)
    guard case .dropped(.staleBiscuit) = bench.toResponder(proofs[0]) else {
      Issue.record("its key is gone")
      return
    }
  }

  @Test("an offer without a common suite or an allowed mode is silence")
  func noCommonGround() throws {
    let bench = try HandshakeBench(mode: .seed)
    bench.responder = ResponderHandshake(
      offer: HandshakeOffer(modes: [.hybrid, .seed], suites: [.chaCha20Poly1305]), now: bench.now, using: &bench.random)
    _ = bench.responder.add(
      .init(keys: bench.keys, epoch: 1, lastCounter: 0, modes: [.hybrid]), now: bench.now)
    guard case .dropped(.noCommonSuite) = bench.toResponder(bench.hello()) else {
      Issue.record("SEED mode was not allowed to this device")
      return
    }
  }

  @Test("messages of one handshake are nothing to another of the same pair")
  func splicing() throws {
    let first = try HandshakeBench(counter: 1)
    let old = try #require(first.run())
    let second = try HandshakeBench(counter: 2)
    second.random.state = 4711
    _ = second.hello()
    guard case .ignored = second.toInitiator(old.final) else {
      Issue.record("FINAL before RESPONSE")
      return
    }
    let response = try #require(second.response(to: second.initiator.datagrams(now: second.now + .seconds(1)).first ?? []))
    _ = second.proofs(after: response)
    guard case .ignored = second.toInitiator(old.final) else {
      Issue.record("another session's FINAL")
      return
    }
  }

  /// Same keys: what one seals the other opens, in both directions.
  private func sameKeys(_ left: Established, _ right: Established) -> Bool {
    left.keys.initiatorToResponder.fingerprint == right.keys.initiatorToResponder.fingerprint
      && left.keys.responderToInitiator.fingerprint == right.keys.responderToInitiator.fingerprint
      && left.keys.initiatorToResponder.fingerprint != left.keys.responderToInitiator.fingerprint
  }
}

extension TrafficSecret {
  /// A packet sealed under it, which is the same only for the same secret.
  var fingerprint: [UInt8] {
    var sealer = PacketSealer<InPlaceEngine>(self, suite: .chaCha20Poly1305)
    var datagram = [UInt8](repeating: 0, count: SealedDatagram.overheadByteCount)
    let header = FrameHeader(
      type: .data, session: SessionID(rawValue: 1), payloadByteCount: datagram.count - FrameHeader.byteCount)
    datagram.withUnsafeMutableBytes { buffer in
      _ = sealer.seal(
        unsafe: buffer, header: header, prefix: 0, body: UnsafeRawBufferPointer(start: nil, count: 0))
    }
    return datagram
  }
}
