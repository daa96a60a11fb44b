import STC
import STTWire

@testable import STTSession

/// One device and one collector's handshake, with every message in the test's hands.
final class HandshakeBench {
  static let home = PeerAddress(high: 0, low: 0xFFFF_0A00_0001, port: 4000)
  static let elsewhere = PeerAddress(high: 0, low: 0xFFFF_0A00_0002, port: 4000)

  var random: Seeded
  var now: MonotonicTime
  var initiator: InitiatorHandshake
  var responder: ResponderHandshake
  let keys: PairKeys
  let mode: HandshakeMode
  let suite: STC.Suite

  static func pair(swapped: Bool = false) throws -> Pair {
    let (device, collector) = ((0..<32).map { UInt8($0) }, (100..<132).map { UInt8($0) })
    return swapped
      ? try Pair(initiatorID: collector, responderID: device, epoch: 1)
      : try Pair(initiatorID: device, responderID: collector, epoch: 1)
  }

  static func seed(_ first: UInt8 = 3) throws -> Seed { try Seed(bytes: (0..<32).map { $0 &* 7 &+ first }) }

  init(
    mode: HandshakeMode = .hybrid, suite: STC.Suite = .chaCha20Poly1305, deviceSeed: UInt8 = 3, counter: UInt64 = 1,
    salted: Bool = false, lastCounter: UInt64 = 0, retriesPerSecond: UInt64 = 10
  ) throws {
    var random = Seeded(state: 42)
    let now = MonotonicTime(nanoseconds: 5_000_000_000)
    self.mode = mode
    self.suite = suite
    keys = PairKeys(seed: try Self.seed(deviceSeed), pair: try Self.pair())
    let made = InitiatorHandshake(
      offer: HandshakeOffer(modes: [mode], suites: [suite]), keys: keys, counter: counter, salted: salted, bootID: 1,
      wallMilliseconds: 0, now: now, using: &random)
    guard let made else { throw NoHandshake() }
    initiator = made
    responder = ResponderHandshake(
      offer: HandshakeOffer(modes: [.hybrid, .seed], suites: [.aes256GCM, .chaCha20Poly1305]),
      retriesPerSecond: retriesPerSecond, now: now, using: &random)
    _ = responder.add(
      .init(keys: PairKeys(seed: try Self.seed(), pair: try Self.pair()), epoch: 1, lastCounter: lastCounter), now: now)
    self.random = random
    self.now = now
  }

  struct NoHandshake: Error {}

  func toResponder(_ datagram: [UInt8], from address: PeerAddress = home) -> ResponderHandshake.Outcome {
    guard let header = try? FrameHeader(datagram: datagram.span.bytes) else { return .dropped(.malformed) }
    return responder.receive(
      datagram.span.bytes, header: header, from: address, now: now, using: &random, isTaken: { _, _ in false },
      encapsulate: Encapsulated.to)
  }

  func toInitiator(_ datagram: [UInt8]) -> InitiatorHandshake.Outcome {
    guard let header = try? FrameHeader(datagram: datagram.span.bytes) else { return .ignored }
    return initiator.receive(datagram.span.bytes, header: header, now: now)
  }

  /// HELLO, RESPONSE, AUTH_PROOF datagrams and FINAL of an undisturbed handshake, and both results.
  struct Messages {
    var hello: [UInt8]
    var response: [UInt8]
    var proofs: [[UInt8]]
    var final: [UInt8]
    var device: Established
    var collector: Established
  }

  func hello() -> [UInt8] { initiator.datagrams(now: now).first ?? [] }

  func response(to hello: [UInt8]) -> [UInt8]? {
    guard case .reply(let response) = toResponder(hello) else { return nil }
    return response
  }

  func proofs(after response: [UInt8]) -> [[UInt8]]? {
    guard case .progressed = toInitiator(response) else { return nil }
    return initiator.datagrams(now: now)
  }

  func run() -> Messages? {
    let hello = hello()
    guard let response = response(to: hello), let proofs = proofs(after: response) else { return nil }
    var last: ResponderHandshake.Outcome?
    for proof in proofs { last = toResponder(proof) }
    guard case .established(_, _, let collector, let final) = last,
      case .established(let device) = toInitiator(final)
    else { return nil }
    return Messages(
      hello: hello, response: response, proofs: proofs, final: final, device: device, collector: collector)
  }
}

struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

extension Array where Element == UInt8 {
  /// The datagram with one bit changed and its checksums made right again, so that only
  /// cryptography can notice.
  func flipping(bit: Int) -> [UInt8] {
    var changed = self
    changed[bit / 8] ^= 1 << UInt8(bit % 8)
    return changed.rechecked()
  }

  func rechecked() -> [UInt8] {
    guard count >= 28 else { return self }
    var changed = self
    let crc16 = Checks.crc16(Array(changed[0..<22]))
    changed[22] = UInt8(crc16 & 255)
    changed[23] = UInt8(crc16 >> 8)
    let crc32 = Checks.crc32(Array(changed[0..<count - 4]))
    for index in 0..<4 { changed[count - 4 + index] = UInt8(truncatingIfNeeded: crc32 >> UInt32(8 * index)) }
    return changed
  }
}
