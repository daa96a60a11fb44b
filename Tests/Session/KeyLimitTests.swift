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
    #expect(keys.failures <= 1 << 30)
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

  @Test("many forgeries bring the peer to a new key, once, on either side", arguments: [Role.initiator, .responder])
  func forgeriesChangeTheKey(attacked: Role) throws {
    let bench = try HandshakeBench()
    let made = try #require(bench.run())
    var device = Session(made.device, settings: .init(), now: bench.now)
    var collector = Session(made.collector, settings: .init(), now: bench.now)
    var deviceOutbox = Outbox(role: .initiator)
    var collectorOutbox = Outbox(role: .responder)
    var sink = Deaf()
    device.keys.failures = 20
    collector.keys.failures = 20
    var buffer = [UInt8](repeating: 0, count: 1500)
    func pass(
      from sender: inout Session, _ outbox: inout Outbox, to receiver: inout Session, _ other: inout Outbox,
      _ now: MonotonicTime
    ) throws {
      while true {
        let length = buffer.withUnsafeMutableBytes { sender.transmit(into: $0, now: now, wall: 0, outbox: &outbox) }
        guard length > 0 else { break }
        let header = try FrameHeader(datagram: buffer.span.bytes.extracting(0..<length))
        buffer.withUnsafeMutableBytes { memory in
          let datagram = UnsafeMutableRawBufferPointer(rebasing: memory[..<length])
          _ = receiver.receive(unsafe: datagram, header: header, now: now, wall: 0, outbox: &other, sink: &sink)
        }
      }
      sender.handleTimeout(now: now, outbox: &outbox)
    }
    func forge(to receiver: inout Session, _ outbox: inout Outbox, _ now: MonotonicTime) {
      for _ in 0..<20 {
        var forged = [UInt8](repeating: 9, count: 100)
        let header = FrameHeader(type: .bundle, session: made.device.session, payloadByteCount: 76)
        forged.withUnsafeMutableBytes { memory in
          if let base = memory.baseAddress { header.write(unsafe: base) }
          _ = receiver.receive(unsafe: memory, header: header, now: now, wall: 0, outbox: &outbox, sink: &sink)
        }
      }
    }
    var now = bench.now
    func run(seconds: Int) throws {
      for _ in 0..<seconds * 10 {
        try pass(from: &device, &deviceOutbox, to: &collector, &collectorOutbox, now)
        try pass(from: &collector, &collectorOutbox, to: &device, &deviceOutbox, now)
        now = now + .milliseconds(100)
      }
    }
    try run(seconds: 20)
    #expect(device.statistics.ratchets == 0 && collector.statistics.ratchets == 0)
    if attacked == .initiator {
      forge(to: &device, &deviceOutbox, now)
    } else {
      forge(to: &collector, &collectorOutbox, now)
    }
    try run(seconds: 60)
    #expect(device.statistics.ratchets == 1 && collector.statistics.ratchets == 1)
    #expect(device.opener.failuresUnderKey == 0 && collector.opener.failuresUnderKey == 0)
    #expect(device.end == nil && collector.end == nil)
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
