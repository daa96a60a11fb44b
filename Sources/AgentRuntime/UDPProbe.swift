import STC
import STTSession
import STTWire

/// Asks the collector over UDP for a sign of life, while the session goes another way: a HELLO with a
/// hint that it can't know is answered with a RETRY (docs/protocol.md 2.5), and costs neither a session
/// nor a counter.
struct UDPProbe {
  private let keys: PairKeys
  private let offer: HandshakeOffer
  private var random = SystemRandomNumberGenerator()
  private var attempt: InitiatorHandshake?

  init(keys: PairKeys, offer: HandshakeOffer) {
    self.keys = keys
    self.offer = offer
  }

  /// What to send. Counter 0 is accepted by no collector, so nobody can make use of it.
  mutating func datagram(now: MonotonicTime) -> [UInt8]? {
    attempt = InitiatorHandshake(
      offer: offer, keys: keys, counter: 0, salted: true, bootID: 0, wallMilliseconds: 0, now: now, using: &random)
    return attempt?.datagrams(now: now).first
  }

  /// Whether `datagram` is the answer to the last one.
  mutating func isAnswered(by datagram: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> Bool {
    let bytes = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(datagram))
    guard attempt != nil, let header = try? FrameHeader(datagram: bytes), header.type == .response,
      header.flags.contains(.retry)
    else { return false }
    guard case .progressed? = attempt?.receive(bytes, header: header, now: now) else { return false }
    attempt = nil
    return true
  }
}
