import STC
import STTBuffers
import STTIngest
import STTSession
import STTWire

/// A device and a collector's endpoint joined without sockets, in virtual time.
final class EndpointPair {
  private var device: DeviceEndpoint
  private var collector: CollectorEndpoint
  private var sink: Sink
  private var nothing = Sink(pool: BufferPool([SlabClass(byteCount: 64, count: 1)]))
  private var random = Chance()
  private var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
  private let pool: BufferPool
  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
  private var lengths: [Int] = []

  /// Numbers that are the same in each run: its instructions are counted.
  private struct Chance: RandomNumberGenerator {
    private var state: UInt64 = 1

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  /// Counts messages.
  private struct Sink: CollectorSink, ~Copyable {
    let pool: BufferPool
    var count = 0

    init(pool: BufferPool) { self.pool = pool }

    var isAccepting: Bool { true }
    mutating func select(peer: Int, session: Int) {}
    mutating func opened(_ open: StreamOpen) -> StreamAdmission? { StreamAdmission(token: 0, position: 0, durable: 0) }
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) { count += 1 }
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) { count += 1 }
    mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {}
    mutating func ended(token: Int, end: UInt64) {}
    mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }
  }

  init() throws {
    pool = BufferPool([SlabClass(byteCount: 2048, count: 512), SlabClass(byteCount: 70_000, count: 128)])
    let keys = PairKeys(
      seed: try Seed(bytes: (0..<32).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }),
      pair: try Pair(initiatorID: [UInt8](repeating: 1, count: 32), responderID: [UInt8](repeating: 2, count: 32), epoch: 1))
    let offer = HandshakeOffer(suites: [.aes256GCM], maximumDatagram: 1400)
    let settings = Session.Settings(datagramByteCount: 1400)
    device = DeviceEndpoint(keys: keys, offer: offer, settings: settings, bootID: 1, now: now)
    var collector = CollectorEndpoint(offer: offer, settings: settings, mostSessions: 4, now: now, using: &random)
    _ = collector.add(.init(keys: keys, epoch: 1, lastCounter: 0), now: now)
    self.collector = collector
    sink = Sink(pool: pool)
    _ = device.add(
      StreamOpen(
        largestMessage: 65_536, delivery: .reliable, durability: .periodic, priority: 0, deadlineMilliseconds: 0,
        uid: StreamUID(high: 1, low: 1), incarnation: 1, firstMessage: 0, name: "micro", schemaEncoding: "",
        schemaName: "", schemaData: [], purpose: "main"))
    device.handleTimeout(now: now, using: &random)
    device.connect(counter: 1, wall: 0, now: now, using: &random)
    while exchange() {}
    guard device.isConnected else { throw Micro.Unexpected(description: "there is no session") }
  }

  deinit { memory.deallocate() }

  /// Sends `count` messages of `byteCount`, a buffer's worth at a time, until the collector has all of them.
  func send(_ count: Int, of byteCount: Int) throws {
    let end = sink.count + count
    var left = count
    while sink.count < end {
      while left > 0, device.outbox.byteCount < 1 << 20, var lease = pool.lease(atLeast: 65_536) {
        let most = min(left, 65_536 / byteCount)
        lease.count = most * byteCount
        var offset = 0
        let time = MessageTime(monotonicNanoseconds: now.nanoseconds, wallNanoseconds: 0)
        left -= device.enqueue(lease, on: 0) { buffer in
          guard offset + byteCount <= buffer.count else { return nil }
          defer { offset += byteCount }
          return (time, offset, byteCount)
        }
      }
      // A round trip of a millisecond; a sender whose window is full waits for time to pass.
      now = now + .milliseconds(1)
      device.handleTimeout(now: now, using: &random)
      collector.handleTimeout(now: now)
      _ = exchange()
    }
  }

  /// Everything the device has to say goes to the collector, and its answers back. `false`: there was nothing.
  private func exchange() -> Bool {
    lengths.removeAll(keepingCapacity: true)
    var used = 0
    while used + DeviceEndpoint.largestDatagram <= memory.count {
      let length = device.transmit(into: UnsafeMutableRawBufferPointer(rebasing: memory[used...]), now: now, wall: 0)
      guard length > 0 else { break }
      lengths.append(length)
      used += length
    }
    var place = 0
    for length in lengths {
      collector.receive(
        unsafe: UnsafeMutableRawBufferPointer(rebasing: memory[place..<place + length]),
        from: PeerAddress(high: 0, low: 0xFFFF_0A00_0001, port: 4000), now: now, wall: 0, using: &random, sink: &sink
      ) { _, _, _ in true }
      place += length
    }
    let count = lengths.count
    used = 0
    while used + DeviceEndpoint.largestDatagram <= memory.count,
      let outgoing = collector.transmit(into: UnsafeMutableRawBufferPointer(rebasing: memory[used...]), now: now, wall: 0)
    {
      lengths.append(outgoing.byteCount)
      used += outgoing.byteCount
    }
    while collector.takeEvent() != nil {}
    while device.takeEvent() != nil {}
    place = 0
    for length in lengths[count...] {
      device.receive(
        unsafe: UnsafeMutableRawBufferPointer(rebasing: memory[place..<place + length]), now: now, wall: 0, ecn: .notCapable,
        sink: &nothing)
      place += length
    }
    return !lengths.isEmpty
  }
}

/// A message of 64 KiB from a device's outbox to a collector's sink: 48 packets sealed, opened and acknowledged.
final class MessageLoop: Micro.Operation {
  private let pair: EndpointPair

  init() throws { pair = try EndpointPair() }

  func run(_ count: Int) throws { try pair.send(count, of: 65_536) }
}

/// A sample of 64 bytes likewise, many in a packet.
final class SampleLoop: Micro.Operation {
  private let pair: EndpointPair

  init() throws { pair = try EndpointPair() }

  func run(_ count: Int) throws { try pair.send(count, of: 64) }
}
