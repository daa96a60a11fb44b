import STC
import STTBuffers
import STTIngest
import STTSession
import STTWire

/// A device and a collector, the real state machines, joined by a simulated link in virtual time.
final class World {
  /// Where the device's datagrams come from, as the collector sees it; what goes elsewhere is lost.
  var deviceAddress = PeerAddress(high: 0, low: 0xFFFF_0A00_0001, port: 40_000)

  let pool = BufferPool([
    SlabClass(byteCount: 2048, count: 16_384), SlabClass(byteCount: 70_000, count: 512),
    SlabClass(byteCount: 17 << 20, count: 4),
  ])
  var now: MonotonicTime
  var device: DeviceEndpoint
  var collector: CollectorEndpoint
  var sink: RecordingSink
  var noStreams = NoStreams()
  var link: Link
  var random: SplitMix
  var counter: UInt64 = 0
  var acceptedCounter: UInt64 = 0
  var deviceEvents: [DeviceEvent] = []
  var collectorEvents: [CollectorEvent] = []
  /// The device's wall clock minus the collector's.
  var wallOffset: Int64 = 0
  /// Sees every datagram the collector sends, and every one the device sends.
  var onOutgoing: ((CollectorEndpoint.Outgoing) -> Void)?
  var onSent: (([UInt8]) -> Void)?
  var syncInterval = UInt64.milliseconds(200)
  private var nextSync: MonotonicTime
  private let collectorKeys: PairKeys
  let offer: HandshakeOffer
  let collectorOffer: HandshakeOffer
  let settings: Session.Settings

  init(
    seed: UInt64, conditions: LinkConditions = LinkConditions(), modes: Set<HandshakeMode> = [.hybrid],
    collectorModes: Set<HandshakeMode> = [.hybrid, .seed], suites: [Suite] = [.chaCha20Poly1305, .aes256GCM],
    settings: Session.Settings = Session.Settings(), wrongSeed: Bool = false
  ) throws {
    var random = SplitMix(seed: seed)
    let start = MonotonicTime(nanoseconds: 1_000_000_000)
    let seedBytes = random.bytes(32)
    let keys = PairKeys(seed: try Seed(bytes: seedBytes), pair: try Self.pair())
    collectorKeys =
      wrongSeed ? PairKeys(seed: try Seed(bytes: random.bytes(32)), pair: try Self.pair()) : keys
    link = Link(conditions: conditions, seed: seed ^ 0xABCD)
    offer = HandshakeOffer(modes: modes, suites: suites)
    collectorOffer = HandshakeOffer(modes: collectorModes, suites: suites)
    self.settings = settings
    device = DeviceEndpoint(keys: keys, offer: offer, settings: settings, bootID: 7, now: start)
    collector = Self.makeCollector(collectorKeys, collectorOffer, settings, start, 0, &random)
    now = start
    self.random = random
    sink = RecordingSink(pool: pool)
    nextSync = start
  }

  static func pair() throws -> Pair {
    try Pair(
      initiatorID: (0..<32).map { UInt8($0) }, responderID: (0..<32).map { UInt8($0 + 100) }, epoch: 1)
  }

  private static func makeCollector(
    _ keys: PairKeys, _ offer: HandshakeOffer, _ settings: Session.Settings, _ now: MonotonicTime, _ counter: UInt64,
    _ random: inout SplitMix
  ) -> CollectorEndpoint {
    var collector = CollectorEndpoint(
      offer: offer, settings: settings, mostSessions: 16, now: now, using: &random)
    _ = collector.add(.init(keys: keys, epoch: 1, lastCounter: counter), now: now)
    return collector
  }

  /// The collector's process dies and a new one starts; only what was synced is left.
  func restartCollector() {
    sink.losePower()
    collector = Self.makeCollector(collectorKeys, collectorOffer, settings, now, acceptedCounter, &random)
  }

  /// Whether the device keeps nothing any more: all is acknowledged as far as its streams ask.
  var isRelieved: Bool { device.outbox.isEmpty }
  var heldLeases: Int { device.outbox.leaseCount }
  var connectionCount: Int { deviceEvents.count { if case .connected = $0 { true } else { false } } }
  func promised(_ stream: Int) -> UInt64 { device.outbox.durable(stream) }
  var recorded: [RecordingSink.Recorded] { sink.streams }

  var deviceWall: UInt64 {
    UInt64(bitPattern: Int64(bitPattern: now.nanoseconds) &+ 1_700_000_000_000_000_000 &+ wallOffset)
  }
  var collectorWall: UInt64 { now.nanoseconds &+ 1_700_000_000_000_000_000 }

  func open(
    _ name: String, delivery: DeliveryClass = .reliable, durable: Bool = true, priority: UInt8 = 1,
    largest: Int = 1 << 20, incarnation: UInt64 = 1, deadlineMilliseconds: UInt32 = 0,
    padding: Padding = .none
  ) -> Int {
    let open = StreamOpen(
      largestMessage: UInt32(largest), delivery: delivery, isDurable: durable, priority: priority,
      deadlineMilliseconds: deadlineMilliseconds,
      uid: StreamUID(high: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) }), low: 1), incarnation: incarnation,
      firstMessage: 0, name: name, schemaEncoding: "", schemaName: "", schemaData: [], purpose: "main")
    return device.add(open, padding: padding) ?? -1
  }

  /// A payload that tells which message of which stream it is.
  static func payload(stream: Int, number: UInt64, byteCount: Int) -> [UInt8] {
    var random = SplitMix(seed: UInt64(stream) << 40 ^ number)
    return random.bytes(byteCount)
  }

  func send(_ stream: Int, byteCount: Int) -> Bool {
    guard var lease = pool.lease(atLeast: max(1, byteCount)) else { return false }
    let payload = Self.payload(stream: stream, number: device.outbox.nextNumber(stream), byteCount: byteCount)
    payload.withUnsafeBytes {
      lease.unsafeBase.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(lease.unsafeBase), byteCount: byteCount)
    }
    lease.count = byteCount
    device.enqueue(
      time: MessageTime(monotonicNanoseconds: now.nanoseconds, wallNanoseconds: deviceWall), head: nil, body: lease,
      on: stream)
    return true
  }

  /// Lets time pass until `until` answers true or `limit` is reached.
  func run(limit: UInt64, until done: (World) -> Bool = { _ in false }) {
    let end = now + limit
    while now < end {
      drain()
      if done(self) { return }
      var next = min(min(link.nextArrival, end), min(device.deadline(now: now), collector.deadline))
      next = min(next, nextSync)
      now = max(now + 1, next)
      step()
    }
    drain()
  }

  private func step() {
    while let flight = link.takeArrived(now: now) { arrive(flight) }
    if now >= nextSync {
      sync()
      nextSync = now + syncInterval
    }
    device.handleTimeout(now: now, using: &random)
    collector.handleTimeout(now: now)
  }

  func arrive(_ flight: Link.Flight) {
    var bytes = flight.bytes
    let (time, deviceTime, collectorTime) = (now, deviceWall, collectorWall)
    bytes.withUnsafeMutableBytes { buffer in
      if flight.toCollector {
        collector.receive(
          unsafe: buffer, from: flight.source ?? deviceAddress, now: time, wall: collectorTime, using: &random, sink: &sink
        ) { _, counter in
          acceptedCounter = max(acceptedCounter, counter)
          return true
        }
      } else {
        device.receive(unsafe: buffer, now: time, wall: deviceTime, sink: &noStreams)
      }
    }
  }

  private func sync() {
    sink.sync()
    for (token, session) in sink.sessionOfToken {
      collector.markDurable(session: session, token: token, below: sink.streams[token].durable)
    }
  }

  /// Takes everything both ends have to say.
  func drain() {
    if device.wantsToConnect(now: now) {
      if device.needsCounter { counter += 1 }
      device.connect(counter: counter, wall: deviceWall, now: now, using: &random)
    }
    var buffer = [UInt8](repeating: 0, count: FrameHeader.largestDatagram)
    let (time, deviceTime, collectorTime) = (now, deviceWall, collectorWall)
    while true {
      let length = buffer.withUnsafeMutableBytes { device.transmit(into: $0, now: time, wall: deviceTime) }
      if length == 0 { break }
      onSent?(Array(buffer[..<length]))
      link.send(Array(buffer[..<length]), toCollector: true, from: deviceAddress, now: now)
    }
    while let outgoing = buffer.withUnsafeMutableBytes({
      collector.transmit(into: $0, now: time, wall: collectorTime)
    }) {
      onOutgoing?(outgoing)
      guard outgoing.address == deviceAddress else { continue }
      link.send(Array(buffer[..<outgoing.byteCount]), toCollector: false, now: now)
    }
    while let event = device.takeEvent() { deviceEvents.append(event) }
    while let event = collector.takeEvent() { collectorEvents.append(event) }
  }

  /// Whether stream `token` holds exactly messages `0 ..< count` of `byteCount(number)` bytes, in order.
  func holdsExactly(_ token: Int, stream: Int, count: UInt64, byteCount: (UInt64) -> Int) -> Bool {
    guard token < sink.streams.count, sink.streams[token].numbers == Array(0..<count) else { return false }
    for number in 0..<count
    where sink.streams[token].payloads[Int(number)]
      != Self.payload(stream: stream, number: number, byteCount: byteCount(number))
    {
      return false
    }
    return true
  }
}
