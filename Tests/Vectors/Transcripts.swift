import Foundation
import STTSession
import STTWire

@testable import STC

/// Runs one handshake from written inputs, and a few packets after it.
enum Transcripts {
  typealias File = [String: [String: String]]

  struct Stuck: Error {
    let at: String
  }

  /// Gives out written bytes as random ones: each field as whole words, as the generator is asked.
  struct Script: RandomNumberGenerator {
    private var bytes: [UInt8]

    init(_ fields: [[UInt8]]) {
      bytes = fields.flatMap { field in field + [UInt8](repeating: 0, count: (8 - field.count % 8) % 8) }
    }

    mutating func next() -> UInt64 {
      guard bytes.count >= 8 else { return 0 }
      let word = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << UInt64(8 * $1) }
      bytes.removeFirst(8)
      return word
    }
  }

  static func freshInputs(_ name: String) -> [String: String] {
    var random = SystemRandomNumberGenerator()
    func fresh(_ count: Int) -> String { hex((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }) }
    return [
      "seed": fresh(32), "device_id": fresh(32), "collector_id": fresh(32), "epoch": "1", "counter": "7",
      "boot_id": "1311768467463790320", "wall_ms": "1790000000000", "initiator_x25519": fresh(32),
      "initiator_nonce": fresh(32), "hint_salt": fresh(8), "kem_seed": fresh(64), "biscuit_key": fresh(32),
      "cookie_key": fresh(32), "responder_x25519": fresh(32), "responder_nonce": fresh(32), "biscuit_salt": fresh(16),
      "address": "00000000000000000000ffff0a000001", "port": "4000", "now_ns": "5000000000",
    ]
  }

  static func make(
    _ name: String, _ given: [String: String], encapsulation: (ciphertext: [UInt8], secret: [UInt8])?
  ) throws -> File {
    var inputs = given
    let field = { (key: String) -> [UInt8] in hex(given[key] ?? "") }
    let mode: HandshakeMode = name.hasPrefix("hybrid") ? .hybrid : .seed
    let suite: STC.Suite = name.hasSuffix("aes256gcm") ? .aes256GCM : .chaCha20Poly1305
    inputs["mode"] = mode == .hybrid ? "hybrid" : "seed"
    inputs["suite"] = suite == .aes256GCM ? "aes-256-gcm" : "chacha20-poly1305"
    let keys = PairKeys(
      seed: try Seed(bytes: field("seed")),
      pair: try Pair(initiatorID: field("device_id"), responderID: field("collector_id"), epoch: 1))
    let now = MonotonicTime(nanoseconds: UInt64(given["now_ns"] ?? "") ?? 0)
    var deviceScript = Script(
      [field("initiator_x25519"), field("initiator_nonce"), field("hint_salt")]
        + (mode == .hybrid ? [field("kem_seed")] : []))
    let started = InitiatorHandshake(
      offer: HandshakeOffer(modes: [mode], suites: [suite]), keys: keys, counter: UInt64(given["counter"] ?? "") ?? 0,
      bootID: UInt64(given["boot_id"] ?? "") ?? 0, wallMilliseconds: UInt64(given["wall_ms"] ?? "") ?? 0, now: now,
      using: &deviceScript)
    guard var device = started, let hello = device.datagrams(now: now).first else { throw Stuck(at: "HELLO") }
    var script = Script(
      [
        field("biscuit_key"), field("cookie_key"), field("responder_x25519"), field("responder_nonce"),
        field("biscuit_salt"),
      ])
    var collector = ResponderHandshake(
      offer: HandshakeOffer(modes: [.hybrid, .seed], suites: [suite]), now: now, using: &script)
    _ = collector.add(.init(keys: keys, epoch: 1, lastCounter: 0), now: now)
    let address = PeerAddress(high: 0, low: 0xFFFF_0A00_0001, port: 4000)
    var frozen = encapsulation
    func toCollector(_ datagram: [UInt8]) throws -> ResponderHandshake.Outcome {
      collector.receive(
        datagram.span.bytes, header: try FrameHeader(datagram: datagram.span.bytes), from: address, now: now,
        using: &script, isTaken: { _, _ in false }
      ) { publicKey in
        if let frozen { return Encapsulated(ciphertext: frozen.ciphertext, secret: Secret(bytes: frozen.secret)) }
        guard let made = Encapsulated.to(publicKey) else { return nil }
        frozen = (made.ciphertext, made.secret.withUnsafeBytes { [UInt8]($0) })
        return made
      }
    }
    func toDevice(_ datagram: [UInt8]) throws -> InitiatorHandshake.Outcome {
      device.receive(datagram.span.bytes, header: try FrameHeader(datagram: datagram.span.bytes), now: now)
    }
    guard case .reply(let response) = try toCollector(hello) else { throw Stuck(at: "RESPONSE") }
    guard case .progressed = try toDevice(response) else { throw Stuck(at: "taking RESPONSE") }
    let proofs = device.datagrams(now: now)
    var installed: (Established, [UInt8])?
    for proof in proofs {
      if case .established(_, _, let established, let final) = try toCollector(proof) { installed = (established, final) }
    }
    guard let (established, final) = installed else { throw Stuck(at: "AUTH_PROOF") }
    guard case .established(let own) = try toDevice(final), own.session == established.session else {
      throw Stuck(at: "FINAL")
    }
    inputs["kem_ciphertext"] = hex(mode == .hybrid ? frozen?.ciphertext ?? [] : [])
    inputs["kem_secret"] = hex(mode == .hybrid ? frozen?.secret ?? [] : [])
    var messages = ["hello": hex(hello), "response": hex(response), "final": hex(final)]
    for (index, proof) in proofs.enumerated() { messages["auth_proof_\(index)"] = hex(proof) }
    messages["retry"] = hex(try retry(to: hello, field("biscuit_key"), field("cookie_key"), from: address, now))
    let derived = try derived(
      keys, mode, hello, response, proofs, final, initiator: field("initiator_x25519"), kemSecret: frozen?.secret)
    guard derived["i2r_traffic"] == hex(own.keys.initiatorToResponder.secret.bytes),
      derived["r2i_traffic"] == hex(established.keys.responderToInitiator.secret.bytes)
    else { throw Stuck(at: "the keys") }
    return ["inputs": inputs, "messages": messages, "packets": packets(own), "derived": derived]
  }

  /// What a collector with the same keys in memory answers to a HELLO it does not know.
  private static func retry(
    to hello: [UInt8], _ biscuitKey: [UInt8], _ cookieKey: [UInt8], from address: PeerAddress, _ now: MonotonicTime
  ) throws -> [UInt8] {
    var script = Script([biscuitKey, cookieKey])
    var stranger = ResponderHandshake(offer: HandshakeOffer(suites: [.aes256GCM]), now: now, using: &script)
    let outcome = stranger.receive(
      hello.span.bytes, header: try FrameHeader(datagram: hello.span.bytes), from: address, now: now, using: &script,
      isTaken: { _, _ in false }, encapsulate: { _ in nil })
    guard case .reply(let retry) = outcome else { throw Stuck(at: "RETRY") }
    return retry
  }

  /// Every value between the seed and the session's keys, from the messages as they went over the wire.
  private static func derived(
    _ keys: PairKeys, _ mode: HandshakeMode, _ hello: [UInt8], _ response: [UInt8], _ proofs: [[UInt8]], _ final: [UInt8],
    initiator: [UInt8], kemSecret: [UInt8]?
  ) throws -> [String: String] {
    func payload(_ datagram: [UInt8]) throws -> (header: [UInt8], payload: [UInt8]) {
      let header = try FrameHeader(datagram: datagram.span.bytes)
      return (header.bytesWithoutChecksum, try HandshakeDatagram.payload(of: datagram.span.bytes, header: header))
    }
    let asked = try payload(hello)
    let answer = try payload(response).payload
    let h1 = Transcript(
      helloHeader: asked.header, helloBeforeRetryToken: Array(asked.payload.prefix(Hello.transcriptByteCount)))
    let h2 = h1.adding([Array(answer.prefix(Response.transcriptByteCount))])
    let h3 = h2.adding(try proofs.map { try payload($0).payload })
    let h4 = h3.adding([try Final(payload: payload(final).payload, hybrid: mode == .hybrid).authenticated])
    var agreement: Secret?
    if mode == .hybrid {
      agreement = EphemeralKey(entropy: initiator)?.agree(with: try Response(payload: answer).ephemeral)
      guard agreement != nil else { throw Stuck(at: "X25519") }
    }
    let early = EarlySecret(keys)
    let secret = early.handshakeSecret(h2, agreement: agreement)
    let master = secret.masterSecret(
      h3: h3, h4: h4, encapsulated: mode == .hybrid ? Secret(bytes: kemSecret ?? []) : nil)
    let session = master.sessionKeys
    // A hybrid ratchet with what is at hand in place of real results and messages.
    let step = RatchetRoot(session).step(
      agreement: Secret(bytes: h1.hash), encapsulated: Secret(bytes: h2.hash), offer: response, accept: final)
    let again = step.root.step(
      agreement: Secret(bytes: h3.hash), encapsulated: Secret(bytes: h4.hash), offer: final, accept: response)
    return [
      "psk": hex(keys.pairKey.bytes), "h1": hex(h1.hash), "h2": hex(h2.hash), "h3": hex(h3.hash), "h4": hex(h4.hash),
      "x25519": hex(agreement?.bytes ?? []), "challenge_key": hex(early.challengeKey(h2).bytes),
      "auth_proof_key": hex(secret.authProofKey.bytes), "proof": hex(secret.proof),
      "failure_key": hex(secret.failureKey.bytes), "final_key": hex(master.finalKey.bytes),
      "i2r_traffic": hex(session.initiatorToResponder.secret.bytes),
      "r2i_traffic": hex(session.responderToInitiator.secret.bytes),
      "i2r_traffic_1": hex(session.initiatorToResponder.next.secret.bytes),
      "r2i_traffic_1": hex(session.responderToInitiator.next.secret.bytes),
      "ratchet_root": hex(session.ratchetRoot.bytes), "exporter": hex(session.exporter.bytes),
      "i2r_rekeyed": hex(step.initiatorToResponder.secret.bytes),
      "r2i_rekeyed": hex(step.responderToInitiator.secret.bytes),
      "i2r_rekeyed_again": hex(again.initiatorToResponder.secret.bytes),
      "sid_1": hex((0..<8).map { UInt8(truncatingIfNeeded: session.alias(1).rawValue >> UInt64(8 * $0)) }),
    ]
  }

  /// Two packets each way, the second after a ratchet.
  private static func packets(_ established: Established) -> [String: String] {
    var made: [String: String] = [:]
    for (direction, secret) in [
      ("i2r", established.keys.initiatorToResponder), ("r2i", established.keys.responderToInitiator),
    ] {
      var sealer = PacketSealer<InPlaceEngine>(secret, suite: established.suite)
      for index in 0..<2 {
        let plaintext = Array("\(direction) packet \(index)".utf8)
        var datagram = [UInt8](repeating: 0, count: SealedDatagram.overheadByteCount + plaintext.count)
        let header = FrameHeader(
          type: .data, flags: .wholeMessage, session: established.session, stream: 1, sequence: UInt32(index),
          payloadByteCount: datagram.count - FrameHeader.byteCount)
        datagram.withUnsafeMutableBytes { buffer in
          plaintext.withUnsafeBytes { _ = sealer.seal(unsafe: buffer, header: header, prefix: 0, body: $0) }
        }
        made["\(direction)_\(index)"] = hex(datagram)
        sealer.ratchet()
      }
    }
    return made
  }

  static func write(_ file: File, to url: URL) throws {
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    var data = try JSONSerialization.data(withJSONObject: file, options: [.prettyPrinted, .sortedKeys])
    data.append(10)
    try data.write(to: url)
  }
}
