import LinuxEvents
import STC
import STTBuffers
import STTIngest
import STTSession
import STTWire

/// A device's end in a ``EndpointRig``.
final class RigDevice {
  var endpoint: DeviceEndpoint
  let address: PeerAddress
  private var sink = NoStreams()

  init(keys: PairKeys, settings: Session.Settings, offer: HandshakeOffer, number: Int, now: MonotonicTime) {
    endpoint = DeviceEndpoint(keys: keys, offer: offer, settings: settings, bootID: 1, now: now)
    address = PeerAddress(high: 0, low: 0xFFFF_0A00_0000 + UInt64(number), port: 4000)
  }

  func receive(_ datagram: UnsafeMutableRawBufferPointer, now: MonotonicTime) {
    endpoint.receive(unsafe: datagram, now: now, wall: 0, sink: &sink)
  }

  /// Opens the one stream of a bench.
  func open(largestMessage: Int) -> Int? {
    endpoint.add(
      StreamOpen(
        largestMessage: UInt32(largestMessage), delivery: .reliable, durability: .periodic, priority: 0,
        deadlineMilliseconds: 0,
        uid: StreamUID(high: 1, low: 1), incarnation: 1, firstMessage: 0, name: "bench", schemaEncoding: "",
        schemaName: "", schemaData: [], purpose: "bench"))
  }
}

/// A collector's endpoint and devices in one process, joined without sockets, in virtual time: what the protocol alone
/// costs the collector.
final class EndpointRig {
  private(set) var collector: CollectorEndpoint
  private(set) var sink: CountingSink
  /// Nanoseconds the collector has worked.
  private(set) var collectorTime: UInt64 = 0
  /// Datagrams so far, both ways together, and their bytes.
  private(set) var datagrams = 0
  private(set) var datagramBytes = 0
  private var random = SystemRandomNumberGenerator()
  private var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
  private let settings: Session.Settings
  private let offer: HandshakeOffer
  private let keys: [PairKeys]
  /// Datagrams on their way, side by side.
  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
  private var lengths: [Int] = []

  init(plan: BenchPlan, modes: Set<HandshakeMode>, deviceCount: Int, pool: BufferPool) throws {
    // Virtual days pass between the first handshake and the last: nobody is to be missed, or asked whether it lives.
    settings = Session.Settings(
      datagramByteCount: plan.datagramByteCount, keepAliveInterval: .seconds(1_000_000), idleTimeout: .seconds(1_000_000))
    offer = HandshakeOffer(modes: modes, suites: [plan.suite], maximumDatagram: UInt16(plan.datagramByteCount))
    var random = SystemRandomNumberGenerator()
    let home = random.bytes(32)
    keys = try (0..<deviceCount).map { _ in
      PairKeys(
        seed: try Seed(bytes: random.bytes(32)), pair: try Pair(initiatorID: random.bytes(32), responderID: home, epoch: 1))
    }
    var collector = CollectorEndpoint(
      offer: offer, settings: settings, mostSessions: deviceCount + 8, now: now, using: &random)
    for key in keys { _ = collector.add(.init(keys: key, epoch: 1, lastCounter: 0), now: now) }
    self.collector = collector
    sink = CountingSink(pool: pool, plan)
  }

  deinit { memory.deallocate() }

  // Never inline: Swift 6.3's optimiser fails where it is.
  @inline(never)
  func device(_ number: Int) -> RigDevice {
    RigDevice(keys: keys[number], settings: settings, offer: offer, number: number, now: now)
  }

  /// One handshake, and the first frames of the session. `false`: there is no session.
  func connect(_ device: RigDevice, counter: UInt64) -> Bool {
    // Far enough apart for every budget: it is the work that is measured.
    now = now + .milliseconds(100)
    device.endpoint.handleTimeout(now: now, using: &random)
    device.endpoint.connect(counter: counter, wall: 0, now: now, using: &random)
    while exchange(device) {}
    return device.endpoint.isConnected
  }

  /// Virtual time passes for a device and the collector.
  func pass(_ nanoseconds: UInt64, _ device: RigDevice) {
    now = now + nanoseconds
    device.endpoint.handleTimeout(now: now, using: &random)
    let start = Clocks.monotonic
    collector.handleTimeout(now: now)
    collectorTime += Clocks.monotonic - start
  }

  /// Everything `device` has to say goes to the collector, and its answers back. `false`: there was nothing.
  func exchange(_ device: RigDevice) -> Bool {
    lengths.removeAll(keepingCapacity: true)
    var used = 0
    while used + DeviceEndpoint.largestDatagram <= memory.count {
      let length = device.endpoint.transmit(
        into: UnsafeMutableRawBufferPointer(rebasing: memory[used...]), now: now, wall: 0)
      guard length > 0 else { break }
      lengths.append(length)
      used += length
    }
    var place = 0
    let start = Clocks.monotonic
    for length in lengths {
      collector.receive(
        unsafe: UnsafeMutableRawBufferPointer(rebasing: memory[place..<place + length]), from: device.address, now: now,
        wall: 0, using: &random, sink: &sink
      ) { _, _, _ in true }
      place += length
    }
    var answers = 0
    used = 0
    let count = lengths.count
    while used + DeviceEndpoint.largestDatagram <= memory.count,
      let outgoing = collector.transmit(
        into: UnsafeMutableRawBufferPointer(rebasing: memory[used...]), now: now, wall: 0)
    {
      lengths.append(outgoing.byteCount)
      used += outgoing.byteCount
      answers += 1
    }
    while collector.takeEvent() != nil {}
    collectorTime += Clocks.monotonic - start
    place = 0
    for length in lengths[count...] {
      device.receive(UnsafeMutableRawBufferPointer(rebasing: memory[place..<place + length]), now: now)
      place += length
    }
    datagrams += lengths.count
    datagramBytes += lengths.reduce(0, +)
    return !lengths.isEmpty
  }

  func resetTime() { collectorTime = 0 }
  func takeBytes() -> UInt64 { sink.takeBytes() }
}
