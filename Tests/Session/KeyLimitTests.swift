import STC
import STTBuffers
import STTWire
import Testing

@testable import STTSession

/// Nothing is sealed or opened beyond what a key is good for (docs/protocol.md 2.11).
@Suite struct KeyLimitTests {
  private struct Deaf: MessageSink, ~Copyable {
    mutating func opened(_ open: StreamOpen) -> StreamAdmission? { nil }
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {}
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {}
    mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {}
    mutating func ended(token: Int, end: UInt64) {}
    var isAccepting: Bool { false }
    mutating func lease(atLeast byteCount: Int) -> Lease? { nil }
  }

  @Test("the limits are those of RFC 9001 and below those of the ciphers")
  func limits() {
    let keys = KeyUse(now: MonotonicTime(nanoseconds: 0))
    #expect(keys.packets <= 1 << 20 && keys.hardPackets <= 1 << 23 && keys.hardFailures < 1 << 36)
    #expect(KeyUse.bytes <= 1 << 30 && KeyUse.age <= .seconds(900))
  }

  @Test("a peer that acknowledges nothing: at the hard limit the session ends, and not one packet more is sealed")
  func hardStopOfSealing() throws {
    let bench = try HandshakeBench()
    let device = try #require(bench.run()).device
    var session = Session(device, settings: Session.Settings(idleTimeout: .seconds(100_000)), now: bench.now)
    var outbox = Outbox(role: .initiator)
    session.keys.packets = 4
    session.keys.hardPackets = 12
    var sealed = 0
    var buffer = [UInt8](repeating: 0, count: 1500)
    var now = bench.now
    while session.end == nil, sealed < 1000 {
      let length = buffer.withUnsafeMutableBytes { session.transmit(into: $0, now: now, wall: 0, outbox: &outbox) }
      if length > 0 { sealed += 1 } else { now = max(now + 1, session.deadline(now: now)) }
      session.handleTimeout(now: now, outbox: &outbox)
    }
    #expect(session.end == .keyLimit)
    #expect(sealed == 12)
    let more = buffer.withUnsafeMutableBytes { session.transmit(into: $0, now: now, wall: 0, outbox: &outbox) }
    #expect(more == 0)
  }

  @Test("forgeries up to the limit end nothing; the limit ends the session")
  func hardStopOfOpening() throws {
    let bench = try HandshakeBench()
    let device = try #require(bench.run()).device
    var session = Session(device, settings: Session.Settings(), now: bench.now)
    var outbox = Outbox(role: .initiator)
    var sink = Deaf()
    session.keys.hardFailures = 50
    for count in 1...50 {
      #expect(session.end == nil, "after \(count - 1) forgeries")
      var forged = [UInt8](repeating: UInt8(count), count: 100)
      let header = FrameHeader(type: .bundle, session: device.session, payloadByteCount: 76)
      forged.withUnsafeMutableBytes { memory in
        if let base = memory.baseAddress { header.write(unsafe: base) }
        _ = session.receive(unsafe: memory, header: header, now: bench.now, wall: 0, outbox: &outbox, sink: &sink)
      }
    }
    #expect(session.end == .keyLimit)
  }
}
