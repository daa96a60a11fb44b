import STC
import STTBuffers
import STTIngest
import STTSession
import STTWire

/// A device and a collector, the real state machines, joined by a simulated link in virtual time.
package final class World {
  /// Where the device's datagrams come from, as the collector sees it; what goes elsewhere is lost.
  package var deviceAddress = PeerAddress(high: 0, low: 0xFFFF_0A00_0001, port: 40_000)

  package static let manyBuffers = [
    SlabClass(byteCount: 2048, count: 16_384), SlabClass(byteCount: 70_000, count: 512),
    SlabClass(byteCount: 17 << 20, count: 4),
  ]
  /// The device's; the sink has the collector's.
  package let pool: BufferPool
  package var now: MonotonicTime
  package var device: DeviceEndpoint
  package var collector: CollectorEndpoint
  package var sink: RecordingSink
  /// What the sink has room for at a time; `nil`: no end.
  package var sinkRoom: Int?
  private var noStreams = NoStreams()
  package var link: Link
  package var random: SplitMix
  /// Of each seed epoch.
  private var counters: [UInt32: CounterStore] = [:]
  package private(set) var acceptedCounters: [UInt32: UInt64] = [:]
  /// The pair files of both ends, if their seed changes in this world.
  package var seeds: SeedFiles?
  var asksIdentityForSeeds = true
  var liveAtCollector: [UInt32] = [1]
  package private(set) var deviceEvents: [DeviceEvent] = []
  package private(set) var collectorEvents: [CollectorEvent] = []
  package var deviceClock = SimulatedClock()
  package var collectorClock = SimulatedClock()
  /// The device is suspended: it neither hears nor speaks, and its monotonic clock stands still.
  package private(set) var asleepSince: MonotonicTime?
  /// Sees every datagram the collector sends, and every one the device sends.
  package var onOutgoing: ((CollectorEndpoint.Outgoing) -> Void)?
  package var onSent: (([UInt8]) -> Void)?
  package var wire: WireOracle?
  /// What should never be.
  package internal(set) var violations: [String] = []
  package var syncInterval = UInt64.milliseconds(200)
  private var nextSync = MonotonicTime.never
  /// How long the recorder takes to tell that it synced; messages go on coming meanwhile.
  package var syncReportDelay: UInt64 = 0
  private var syncReports: [(due: MonotonicTime, durable: [UInt64])] = []
  package let keys: PairKeys
  /// The first seed of both ends.
  package let seedBytes: [UInt8]
  /// What is lost on the way to the collector, beside what the link loses.
  package var loses: (([UInt8]) -> Bool)?
  private let collectorKeys: PairKeys
  private let identity: IdentityKey?
  private let provesAddresses: Bool
  package let offer: HandshakeOffer
  package let collectorOffer: HandshakeOffer
  package let settings: Session.Settings
  private let buffer = UnsafeMutableRawBufferPointer.allocate(
    byteCount: FrameHeader.largestDatagram, alignment: 16)
  /// Steps of no time in which nothing moved: an endpoint that wants attention and does nothing with it.
  private var idleSteps = 0
  private static let mostIdleSteps = 1000

  package init(
    seed: UInt64, conditions: LinkConditions = LinkConditions(), modes: Set<HandshakeMode> = [.hybrid],
    collectorModes: Set<HandshakeMode> = [.hybrid, .seed], suites: [Suite] = [.chaCha20Poly1305, .aes256GCM],
    settings: Session.Settings = Session.Settings(), wrongSeed: Bool = false, identity: IdentityKey? = nil,
    provesAddresses: Bool = false, deviceBuffers: [SlabClass] = manyBuffers,
    collectorBuffers: [SlabClass] = manyBuffers, start: MonotonicTime = MonotonicTime(nanoseconds: 1_000_000_000)
  ) throws {
    var random = SplitMix(seed: seed)
    seedBytes = random.bytes(32)
    keys = PairKeys(seed: try Seed(bytes: seedBytes), pair: try Self.pair())
    collectorKeys =
      wrongSeed ? PairKeys(seed: try Seed(bytes: random.bytes(32)), pair: try Self.pair()) : keys
    link = Link(conditions: conditions, seed: seed ^ 0xABCD)
    offer = HandshakeOffer(modes: modes, suites: suites)
    collectorOffer = HandshakeOffer(
      modes: collectorModes, suites: suites,
      parameters: SessionParameters(sessionWindow: UInt32(clamping: settings.sessionWindow)))
    self.settings = settings
    self.identity = identity
    self.provesAddresses = provesAddresses
    device = DeviceEndpoint(keys: keys, offer: offer, settings: settings, bootID: 7, identity: identity, now: start)
    collector = Self.makeCollector(
      collectorKeys, collectorOffer, settings, start, 0, provesAddresses, identity != nil, &random)
    now = start
    self.random = random
    pool = BufferPool(deviceBuffers)
    sink = RecordingSink(pool: BufferPool(collectorBuffers))
  }

  deinit { buffer.deallocate() }

  package static func pair() throws -> Pair {
    try Pair(
      initiatorID: (0..<32).map { UInt8($0) }, responderID: (0..<32).map { UInt8($0 + 100) }, epoch: 1)
  }

  private static func makeCollector(
    _ keys: PairKeys, _ offer: HandshakeOffer, _ settings: Session.Settings, _ now: MonotonicTime, _ counter: UInt64,
    _ provesAddresses: Bool, _ asksIdentity: Bool, _ random: inout SplitMix
  ) -> CollectorEndpoint {
    // Without a budget every device must prove its address first: RETRY.
    var collector = CollectorEndpoint(
      offer: offer, settings: settings, mostSessions: 16, handshakesPerSecond: provesAddresses ? 0 : 2000, now: now,
      using: &random)
    let index = collector.add(.init(keys: keys, epoch: 1, lastCounter: counter), now: now)
    if asksIdentity { collector.askIdentity(of: index) }
    return collector
  }

  // MARK: what befalls machines

  /// The collector's process dies and a new one starts; only what was synced is left.
  package func restartCollector() {
    sink.losePower()
    nextSync = .never
    syncReports.removeAll()
    sessions.removeAll()
    collector = Self.makeCollector(
      collectorKeys, collectorOffer, settings, collectorClock.monotonic(now), acceptedCounters[1] ?? 0, provesAddresses,
      identity != nil, &random)
    startSeedsOfCollector()
  }

  /// The same for the whole machine: its monotonic clock starts over.
  package func rebootCollector() {
    collectorClock.restart(at: random.within(0...(.seconds(20))), now: now)
    restartCollector()
  }

  /// The device loses power: nothing is left of it but what its counter file holds.
  package func rebootDevice() {
    asleepSince = nil
    for epoch in counters.keys { counters[epoch]?.crash() }
    deviceClock.restart(at: random.within(0...(.seconds(20))), now: now)
    device = DeviceEndpoint(
      keys: keys, offer: offer, settings: settings, bootID: random.next(), identity: seeds?.identity ?? identity,
      now: deviceClock.monotonic(now))
    startSeedsOfDevice()
  }

  package func suspendDevice() {
    if asleepSince == nil { asleepSince = now }
  }

  package func resumeDevice() {
    guard let since = asleepSince else { return }
    deviceClock.resume(after: now.since(since))
    asleepSince = nil
  }

  /// The device's machine noticed that its address changed.
  package func deviceMoved() { device.moved(now: deviceNow, using: &random) }

  package func closeDevice() { device.close() }
  package func closeCollector() { collector.close() }
  package func finish(_ stream: Int) { device.finish(stream) }

  // MARK: what can be seen

  /// Whether the device keeps nothing any more: all is acknowledged as far as its streams ask.
  package var isRelieved: Bool { device.outbox.isEmpty }
  package var heldLeases: Int { device.outbox.leaseCount }
  package private(set) var connectionCount = 0
  package func promised(_ stream: Int) -> UInt64 { device.outbox.durable(stream) }
  package var recorded: [RecordingSink.Recorded] { sink.streams }
  package var deviceNow: MonotonicTime { deviceClock.monotonic(asleepSince ?? now) }

  func violate(_ what: String) {
    if violations.count < 20 { violations.append("at \(Double(now.nanoseconds) / 1e9) s: \(what)") }
  }

  // MARK: streams

  package func open(
    _ name: String, delivery: DeliveryClass = .reliable, durable: Bool = true, priority: UInt8 = 1,
    largest: Int = 1 << 20, incarnation: UInt64 = 1, deadlineMilliseconds: UInt32 = 0,
    padding: Padding = .none, parity: Parity = .none
  ) -> Int {
    let open = StreamOpen(
      largestMessage: UInt32(largest), delivery: delivery, durability: durable ? .durable : .periodic, priority: priority,
      deadlineMilliseconds: deadlineMilliseconds,
      uid: StreamUID(high: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) }), low: 1), incarnation: incarnation,
      firstMessage: 0, name: name, schemaEncoding: "", schemaName: "", schemaData: [], purpose: "main")
    return device.add(open, padding: padding, parity: parity) ?? -1
  }

  /// A payload that tells which message of which stream it is.
  package static func payload(stream: Int, number: UInt64, byteCount: Int) -> [UInt8] {
    Payload.bytes(byteCount, seed: Payload.seed(stream: stream, incarnation: 1, number: number))
  }

  package func send(_ stream: Int, byteCount: Int, incarnation: UInt64 = 1) -> Bool {
    guard var lease = pool.lease(atLeast: max(1, byteCount)) else { return false }
    let number = device.outbox.nextNumber(stream)
    Payload.fill(
      UnsafeMutableRawBufferPointer(start: lease.unsafeBase, count: byteCount),
      seed: Payload.seed(stream: stream, incarnation: incarnation, number: number))
    lease.count = byteCount
    device.enqueue(
      time: MessageTime(monotonicNanoseconds: deviceNow.nanoseconds, wallNanoseconds: deviceClock.wall(now)), head: nil,
      body: lease, on: stream)
    return true
  }

  /// Puts a message into the outbox, one way or another. `false`: there is no memory.
  func enqueue(_ stream: Int, time: MessageTime, byteCount: Int, seed: UInt64, packing: StreamPlan.Packing) -> Bool {
    let bytes = Payload.bytes(byteCount, seed: seed)
    switch packing {
    case .copied:
      let pool = pool
      return device.enqueueCopy(time: time, payload: bytes.span.bytes, on: stream, lease: { pool.lease(atLeast: 4096) })
    case .headed:
      let cut = Int(seed % UInt64(byteCount + 1))
      guard let head = lease(bytes[..<cut]), let body = lease(bytes[cut...]) else { return false }
      device.enqueue(time: time, head: head, body: body, on: stream)
    case .own:
      guard let body = lease(bytes[...]) else { return false }
      device.enqueue(time: time, head: nil, body: body, on: stream)
    }
    return true
  }

  private func lease(_ bytes: ArraySlice<UInt8>) -> Lease? {
    guard var lease = pool.lease(atLeast: max(1, bytes.count)) else { return nil }
    bytes.withUnsafeBytes { source in
      if let start = source.baseAddress { lease.unsafeBase.copyMemory(from: start, byteCount: source.count) }
    }
    lease.count = bytes.count
    return lease
  }

  /// Whether stream `token` holds exactly messages `0 ..< count` of `byteCount(number)` bytes, in order.
  package func holdsExactly(_ token: Int, stream: Int, count: UInt64, byteCount: (UInt64) -> Int) -> Bool {
    guard token < sink.streams.count, sink.streams[token].numbers == Array(0..<count) else { return false }
    for number in 0..<count
    where sink.streams[token].payloads[Int(number)]
      != Self.payload(stream: stream, number: number, byteCount: byteCount(number))
    {
      return false
    }
    return true
  }

  // MARK: time

  /// Lets time pass until `until` answers true or `limit` is reached.
  package func run(limit: UInt64, until done: (World) -> Bool = { _ in false }) {
    let end = now + limit
    while now < end {
      drain()
      if done(self) { return }
      advance(to: min(nextEvent, end))
    }
    drain()
  }

  /// When something happens next, if nothing is sent before.
  var nextEvent: MonotonicTime {
    min(
      link.nextArrival,
      min(deviceDeadline, min(collectorDeadline, min(nextSync, syncReports.first?.due ?? .never))))
  }

  /// Does what is due at `time`, or a nanosecond from now if that is past.
  func advance(to time: MonotonicTime) {
    if time <= now { noteIdleStep() }
    now = max(now + 1, time)
    step()
  }

  private var deviceDeadline: MonotonicTime {
    asleepSince == nil ? deviceClock.trueTime(device.deadline(now: deviceClock.monotonic(now))) : .never
  }
  private var collectorDeadline: MonotonicTime { collectorClock.trueTime(collector.deadline) }

  private func noteIdleStep() {
    idleSteps += 1
    if idleSteps == Self.mostIdleSteps {
      let who = deviceDeadline <= now ? "the device" : collectorDeadline <= now ? "the collector" : "the link"
      violate("\(who) wants attention over and over and does nothing with it")
    }
  }

  private func step() {
    while let flight = link.takeArrived(now: now) {
      idleSteps = 0
      arrive(flight)
    }
    if now >= nextSync { sync() }
    while let report = syncReports.first, now >= report.due {
      syncReports.removeFirst()
      for (token, number) in report.durable.enumerated() {
        guard let session = sink.sessionOfToken[token] else { continue }
        collector.markDurable(session: session, token: token, below: number)
      }
    }
    while let sinkRoom, sink.accepts, collector.isInterrupted {
      sink.room = sinkRoom
      collector.resume(sink: &sink)
    }
    if asleepSince == nil { device.handleTimeout(now: deviceClock.monotonic(now), using: &random) }
    sink.trueNow = now
    collector.handleTimeout(now: collectorClock.monotonic(now))
  }

  package func arrive(_ flight: Link.Flight) {
    var bytes = flight.bytes
    let time = now
    bytes.withUnsafeMutableBytes { buffer in
      if flight.toCollector {
        sink.trueNow = time
        if let sinkRoom { sink.room = sinkRoom }
        collector.receive(
          unsafe: buffer, from: flight.address ?? deviceAddress, now: collectorClock.monotonic(time),
          wall: collectorClock.wall(time), ecn: flight.ecn, using: &random, sink: &sink
        ) { _, epoch, counter in
          let accepted = acceptedCounters[epoch] ?? 0
          if counter <= accepted { violate("handshake counter \(counter) was accepted twice") }
          acceptedCounters[epoch] = max(accepted, counter)
          return true
        }
      } else if asleepSince == nil, (flight.address ?? deviceAddress) == deviceAddress {
        device.receive(
          unsafe: buffer, now: deviceClock.monotonic(time), wall: deviceClock.wall(time), ecn: flight.ecn,
          sink: &noStreams)
      }
    }
    if sink.isDirty, nextSync == .never { nextSync = now + syncInterval }
  }

  private func sync() {
    nextSync = .never
    sink.sync()
    syncReports.append((now + syncReportDelay, sink.streams.map(\.durable)))
  }

  /// Takes everything both ends have to say.
  package func drain() {
    if asleepSince == nil { drainDevice() }
    let (time, wall) = (collectorClock.monotonic(now), collectorClock.wall(now))
    while let event = collector.takeEvent() { note(event) }
    while let outgoing = collector.transmit(into: buffer, now: time, wall: wall) {
      idleSteps = 0
      onOutgoing?(outgoing)
      let bytes = Array(buffer[..<outgoing.byteCount])
      if let violation = wire?.note(bytes, fromDevice: false) { violate(violation) }
      guard outgoing.address == deviceAddress else { continue }
      link.send(bytes, ecn: outgoing.mark, toCollector: false, from: outgoing.address, now: now)
    }
    while let event = collector.takeEvent() { note(event) }
  }

  private func drainDevice() {
    let (time, wall) = (deviceClock.monotonic(now), deviceClock.wall(now))
    if device.wantsToConnect(now: time) {
      let fresh = device.needsCounter ? counters[device.nextEpoch, default: CounterStore()].take() : 0
      device.connect(counter: fresh, wall: wall, now: time, using: &random)
      attemptCount += 1
      idleSteps = 0
    }
    while true {
      let length = device.transmit(into: buffer, now: time, wall: wall)
      if length == 0 { break }
      idleSteps = 0
      let bytes = Array(buffer[..<length])
      onSent?(bytes)
      if let violation = wire?.note(bytes, fromDevice: true) { violate(violation) }
      if loses?(bytes) == true { continue }
      link.send(bytes, ecn: device.mark, toCollector: true, from: deviceAddress, now: now)
    }
    while let event = device.takeEvent() {
      deviceEvents.append(event)
      if case .connected = event { connectionCount += 1 }
      note(event)
    }
  }

  /// Handshakes the device ever began.
  package private(set) var attemptCount = 0

  private func noteReceived(_ statistics: SessionStatistics, _ session: SessionID, fromDevice: Bool) {
    let received = statistics.packetsReceived
    if wire?.acceptsReplays(session: session, fromDevice: fromDevice, received: received) == true {
      violate("\(fromDevice ? "the collector" : "the device") took more packets than were sent")
    }
  }

  /// The device took no packet twice.
  func checkReplays() {
    guard let statistics = device.statistics, let session = wire?.lastFromDevice, sharesSession else { return }
    noteReceived(statistics, session, fromDevice: false)
  }

  /// The collector's sessions, by place.
  private var sessions: [Int: SessionID] = [:]

  /// Whether the session the device spoke in last is one the collector has.
  package var sharesSession: Bool {
    guard device.isConnected, let root = wire?.lastFromDevice else { return false }
    return sessions.values.contains(root)
  }

  private func note(_ event: CollectorEvent) {
    collectorEvents.append(event)
    switch event {
    case .established(_, let place, _, let established):
      sessions[place] = established.session
      wire?.established(established)
    case .ended(_, let place, _, let statistics):
      if let session = sessions[place] { noteReceived(statistics, session, fromDevice: true) }
      sessions[place] = nil
    case .identity(_, let place, let id, let key) where seeds == nil:
      if key == identity?.publicKey {
        collector.admit(session: place, id: id)
      } else {
        violate("a foreign identity was proven")
      }
    case .identityMissing: if seeds == nil { violate("the identity was not shown") }
    case .moved, .clock, .handedOver, .answers, .answersNoMore: break
    case .identity, .proven, .seedStored, .seedRefused: noteSeeds(event)
    }
  }
}
