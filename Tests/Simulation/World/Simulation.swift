import STTBuffers
import STTIngest
import STTSession
import STTWire

/// One scenario, lived through: faults, healing, recovery, and the accounts afterwards.
package final class Simulation {
  package let scenario: Scenario
  package let world: World
  var outcome: Outcome
  private var incarnation: UInt64 = 1
  private var adversary: Adversary
  private var probe = 0

  private static let deviceBuffers = [
    SlabClass(byteCount: 4096, count: 256), SlabClass(byteCount: 48_000, count: 64),
  ]

  package static func run(seed: UInt64) -> Outcome {
    do {
      return try Simulation(Scenario(seed: seed)).run()
    } catch {
      var outcome = Outcome(seed: seed, faults: [])
      outcome.violations = ["\(error)"]
      return outcome
    }
  }

  package init(_ scenario: Scenario) throws {
    self.scenario = scenario
    outcome = Outcome(seed: scenario.seed, faults: scenario.faults)
    adversary = Adversary(seed: scenario.seed)
    world = try World(
      seed: scenario.seed, conditions: scenario.conditions, modes: scenario.modes, suites: scenario.suites,
      settings: scenario.settings, deviceBuffers: Self.deviceBuffers,
      collectorBuffers: [
        SlabClass(byteCount: 2048, count: scenario.collectorBuffers.small),
        SlabClass(byteCount: 48_000, count: scenario.collectorBuffers.large),
      ])
    world.wire = WireOracle()
    world.syncInterval = scenario.syncInterval
    world.syncReportDelay = scenario.syncReportDelay
    world.sink.oracle = DeliveryOracle()
    if scenario.seed.isMultiple(of: 3) { world.sinkRoom = 40 + Int(scenario.seed % 40) }
    world.link.keepsHistory = scenario.faults.contains(.adversary)
    world.link.historyLimit = 500
    openStreams()
  }

  package func run() -> Outcome {
    let start = world.now
    for event in scenario.events {
      world.run(limit: (start + event.time).since(world.now))
      apply(event.action)
      checkBounds()
    }
    world.run(limit: (start + scenario.length).since(world.now))
    heal()
    if recover() {
      deliver()
      if outcome.delivery != nil { listen() }
    }
    if scenario.isCalm, world.connectionCount != 1 {
      world.violate("\(world.connectionCount) sessions, though nothing happened that may end one")
    }
    close()
    notePromises()
    collectViolations()
    outcome.virtualNanoseconds = world.now.since(start)
    outcome.sessionCount = world.connectionCount
    outcome.datagramCount = world.link.datagramCount
    outcome.attackCount = adversary.count
    return outcome
  }

  // MARK: streams

  private func key(_ stream: Int) -> StreamKey {
    StreamKey(uid: scenario.streams[stream].uid, incarnation: incarnation)
  }

  private func openStreams() {
    for (index, plan) in scenario.streams.enumerated() {
      world.sink.oracle?.streams[key(index)] = StreamHistory(plan: plan, index: index, incarnation: incarnation)
      let added = world.open(
        plan.name, delivery: plan.delivery, durable: plan.isDurable, priority: plan.priority, largest: max(1, plan.largest),
        incarnation: incarnation, deadlineMilliseconds: plan.deadlineMilliseconds, padding: plan.padding,
        parity: plan.parity)
      if added != index { world.violate("stream \(index) was not added") }
    }
  }

  /// Sends the next message of `stream`; without memory there is none.
  private func send(_ stream: Int) {
    guard world.asleepSince == nil, let history = world.sink.oracle?.streams[key(stream)], !history.isFinished else {
      return
    }
    let number = world.device.outbox.nextNumber(stream)
    if number != history.sentCount { world.violate("message \(history.sentCount) of stream \(stream) got number \(number)") }
    let seed = history.seed(number)
    let byteCount = history.plan.byteCount(seed: seed)
    let time = MessageTime(monotonicNanoseconds: world.deviceNow.nanoseconds, wallNanoseconds: seed)
    guard world.enqueue(stream, time: time, byteCount: byteCount, seed: seed, packing: history.plan.packing) else { return }
    outcome.messageCount += 1
    world.sink.oracle?.streams[key(stream)]?.sentCount += 1
    if history.plan.delivery == .partial {
      let due = world.now + .milliseconds(UInt64(history.plan.deadlineMilliseconds))
      world.sink.oracle?.streams[key(stream)]?.deadlines.append(due)
    }
  }

  /// What the device has been told is safe.
  private func notePromises() {
    for index in scenario.streams.indices { world.sink.oracle?.promised(key(index), below: world.promised(index)) }
    for recorded in world.sink.streams { world.sink.oracle?.holds(recorded.key, durable: recorded.durable) }
  }

  // MARK: faults

  private func apply(_ action: Scenario.Action) {
    switch action {
    case .send(let stream, let count): for _ in 0..<count { send(stream) }
    case .partition(let nanoseconds):
      world.link.conditions.partition = world.now.nanoseconds..<world.now.nanoseconds + nanoseconds
    case .largestDatagram(let byteCount): world.link.conditions.largestDatagram = byteCount
    case .rebind(let host, let known):
      if host { world.deviceAddress.low = 0xFFFF_0A00_0000 | world.random.within(1...0xFFFF) }
      world.deviceAddress.port = UInt16(world.random.within(1024...65_535))
      if known, world.asleepSince == nil { world.deviceMoved() }
    case .rebootDevice:
      notePromises()
      world.rebootDevice()
      incarnation += 1
      openStreams()
    case .finish(let stream):
      world.sink.oracle?.streams[key(stream)]?.isFinished = true
      world.finish(stream)
    case .closeCollector:
      world.closeCollector()
      world.run(limit: .milliseconds(1))
      notePromises()
      world.restartCollector()
    case .restartCollector:
      notePromises()
      world.restartCollector()
    case .rebootCollector:
      notePromises()
      world.rebootCollector()
    case .suspendDevice: world.suspendDevice()
    case .resumeDevice: world.resumeDevice()
    case .jumpWall(let device, let nanoseconds):
      if device { world.deviceClock.wallOffset = nanoseconds } else { world.collectorClock.wallOffset = nanoseconds }
    case .stopWall(let device):
      if device {
        world.deviceClock.wallStandsAt = world.deviceClock.wall(world.now)
      } else {
        world.collectorClock.wallStandsAt = world.collectorClock.wall(world.now)
      }
    case .startWall(let device):
      if device { world.deviceClock.wallStandsAt = nil } else { world.collectorClock.wallStandsAt = nil }
    case .sinkRefuses(let refuses): world.sink.accepts = !refuses
    case .poolIsDry(let dry): world.sink.isDry = dry
    case .attack(let count): for _ in 0..<count { attack() }
    }
  }

  private func attack() {
    guard let attack = adversary.attack(world.link.history) else { return }
    let before = (
      world.sink.oracle?.deliveredCount, world.collector.sessionCount, world.device.isConnected,
      world.acceptedCounters[1] ?? 0
    )
    world.arrive(attack.flight)
    let after = (
      world.sink.oracle?.deliveredCount, world.collector.sessionCount, world.device.isConnected,
      world.acceptedCounters[1] ?? 0
    )
    if attack.isForged, before != after { world.violate("a forged datagram had an effect") }
  }

  private func heal() {
    let largest = world.link.conditions.largestDatagram
    world.link.conditions = scenario.healed
    world.link.conditions.largestDatagram = largest
    world.sink.accepts = true
    world.sink.isDry = false
    world.resumeDevice()
  }

  // MARK: afterwards

  private static let longestRecovery = UInt64.seconds(120)
  /// Silence until a session is given up, an attempt that was under way, and the longest back-off.
  private static let runningTimers = UInt64.seconds(30 + 10 + 75)

  /// Whether a session came back; `false` also when the link is too slow to promise that.
  private func recover() -> Bool {
    let healed = world.now
    outcome.promisedRecovery = .seconds(3) + 2 * scenario.roundTrip
    let watch = RecoveryWatch(world)
    send(0)
    world.onSent = { [unowned world] _ in watch.noteSent(world) }
    world.run(limit: Self.runningTimers + Self.longestRecovery) { watch.isBack($0) }
    world.onSent = nil
    guard scenario.promisesRecovery else { return watch.isBack(world) }
    guard let begun = watch.begun, watch.isBack(world) else {
      world.violate("no session \(Double(world.now.since(healed)) / 1e9) s after healing")
      return false
    }
    outcome.recovery = world.now.since(begun)
    outcome.recoverySinceHealing = world.now.since(healed)
    if world.now.since(begun) > Self.longestRecovery { world.violate("a session took too long to come back") }
    return true
  }

  /// Everything reliable arrives, and the device is relieved of all.
  private func deliver() {
    let begun = world.now
    let rate = scenario.healed.bitsPerSecond ?? .max
    guard rate >= Scenario.slowestRate else { return }
    // Two packets a round trip, half of them wasted, and the rate; and long back-offs of a bad session.
    let waiting = UInt64(world.device.outbox.byteCount)
    let trips = waiting / 1200 * (scenario.roundTrip + .milliseconds(50))
    // A stream of constant rate takes the time it takes, whatever the link could carry.
    let slowest = scenario.streams.reduce(UInt64(0)) { slowest, stream in
      if case .constantRate(let interval) = stream.padding { max(slowest, interval) } else { slowest }
    }
    let limit = UInt64.seconds(300) + trips + waiting * 8_000_000_000 / rate * 4 + waiting / 1000 * slowest
    world.run(limit: limit) { [unowned self] in $0.isRelieved && self.isAllDelivered }
    if !world.isRelieved {
      world.violate(
        "the device still keeps \(world.device.outbox.byteCount) of \(waiting) bytes \(Double(limit) / 1e9) s later")
    }
    for (index, plan) in scenario.streams.enumerated() where plan.delivery != .unreliable {
      let (sent, arrived) = progress(index)
      if arrived != sent { world.violate("\(plan.name) was sent up to \(sent), and only \(arrived) arrived") }
    }
    outcome.delivery = world.now.since(begun)
    let unfinished = world.sink.oracle?.streams.values.filter {
      $0.incarnation == incarnation && $0.isFinished && !$0.isEnded
    }
    for stream in unfinished ?? [] { world.violate("the end of \(stream.plan.name) was not told") }
  }

  /// Two ends that have nothing to say say little.
  private func listen() {
    guard world.isRelieved, scenario.settings.rekeyInterval > .seconds(100),
      scenario.streams.allSatisfy({ $0.padding == .none || $0.padding == .buckets })
    else { return }
    world.run(limit: .seconds(10))
    let before = world.link.datagramCount
    world.run(limit: .seconds(30))
    let count = world.link.datagramCount - before
    // KEEP_ALIVEs each way and their answers, and the search for what the path carries.
    if count > 90 { world.violate("\(count) datagrams in half a minute, and nothing to say") }
  }

  private var isAllDelivered: Bool {
    scenario.streams.indices.allSatisfy { index in
      let (sent, arrived) = progress(index)
      let history = world.sink.oracle?.streams[key(index)]
      guard history?.isFinished != true || history?.isEnded == true else { return false }
      return scenario.streams[index].delivery == .unreliable || arrived == sent
    }
  }

  /// How many messages there were, and below which all are told of. What is not durable may have been
  /// delivered and lost with the collector's power.
  private func progress(_ stream: Int) -> (sent: UInt64, arrived: UInt64) {
    guard let history = world.sink.oracle?.streams[key(stream)] else { return (0, 0) }
    return (
      history.sentCount,
      history.plan.isDurable ? world.sink.position(of: key(stream)) ?? 0 : history.furthest
    )
  }

  /// Both ends let go of everything.
  private func close() {
    world.closeDevice()
    // What waits for a slow link still comes, and after it half a minute of silence.
    let rate = scenario.healed.bitsPerSecond ?? .max
    world.run(limit: .seconds(50) + UInt64(scenario.healed.queueByteCount) * 12_000_000_000 / rate)
    if world.collector.sessionCount != 0 { world.violate("\(world.collector.sessionCount) sessions outlive their device") }
    if world.sink.pool.outstanding != 0 { world.violate("\(world.sink.pool.outstanding) buffers of the collector are lost") }
    if world.pool.outstanding != world.heldLeases { world.violate("buffers of the device are lost") }
  }

  /// Memory stays within what is stated, whatever happens.
  private func checkBounds() {
    world.checkReplays()
    if world.collector.sessionCount > 2 { world.violate("one device has \(world.collector.sessionCount) sessions") }
    for footprint in world.collector.footprints + [world.device.footprint].compactMap({ $0 }) {
      // Beside the window, each stream may hold the message that is next in turn.
      let most = scenario.settings.sessionWindow + scenario.streams.reduce(0) { $0 + $1.largest + MessageTime.byteCount }
      if footprint.heldByteCount > most { world.violate("\(footprint.heldByteCount) bytes of messages are held") }
      if footprint.parityByteCount > scenario.settings.parityByteCount {
        world.violate("parity takes \(footprint.parityByteCount) bytes")
      }
      if footprint.sentPacketCount > Session.mostSentPackets {
        world.violate("\(footprint.sentPacketCount) packets are kept")
      }
      if footprint.incomingStreamCount > scenario.streams.count { world.violate("there are more streams than were opened") }
    }
    if world.heldLeases > world.pool.outstanding { world.violate("more buffers are held than lent") }
  }

  private func collectViolations() {
    outcome.violations = world.violations + (world.sink.oracle?.takeViolations() ?? [])
  }
}
