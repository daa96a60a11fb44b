import STC
import STTSession
import STTWire

extension Scenario {
  package init(seed: UInt64) {
    self.seed = seed
    var random = SplitMix(seed: seed ^ 0x5CE7_A210)
    for fault in Fault.allCases where fault != .ecn && random.chance(percent: 25) { faults.insert(fault) }
    modes = random.chance(percent: 30) ? [.seed] : [.hybrid]
    suites = random.chance(percent: 50) ? [.chaCha20Poly1305] : [.aes256GCM]
    length = .seconds(random.within(3...25))
    // Keys ratchet after a quarter of an hour.
    let isLong = random.chance(percent: 2)
    if isLong { length = .seconds(random.within(2_000...8_000)) }
    syncInterval = .milliseconds(random.logarithmic(1...3_000))
    syncReportDelay = .milliseconds(random.logarithmic(0...1_000))
    drawLink(&random)
    drawMarks()
    drawStreams(&random)
    drawFaults(&random)
    drawTraffic(&random)
    drawParity()
    events.sort { $0.time < $1.time }
    length = max(length, events.last?.time ?? 0) + .seconds(1)
  }

  private mutating func drawLink(_ random: inout SplitMix) {
    conditions.delay =
      faults.contains(.roundTrip)
      ? random.within(0...(.milliseconds(1000))) : .milliseconds(random.within(1...40))
    if faults.contains(.rate) {
      let rate = random.logarithmic(1_000...1_000_000_000)
      conditions.bitsPerSecond = rate
      let seconds = 0.05 + random.fraction() * 2
      conditions.queueByteCount = max(6_000, min(1 << 22, Int(Double(rate) / 8 * seconds)))
    }
    if random.chance(percent: 30) { settings.rekeyInterval = .milliseconds(random.within(500...20_000)) }
    if random.chance(percent: 30) { settings.sessionWindow = Int(random.within(60_000...300_000)) }
    if random.chance(percent: 20) { settings.replayWindowBitCount = 1024 }
    if random.chance(percent: 25) {
      collectorBuffers = (small: Int(random.within(4...32)), large: Int(random.within(2...6)))
    }
    settings.largestDatagramByteCount = [1200, 1452, 9000, 65_507][random.index(below: 4)]
    conditions.largestDatagram = [65_507, 65_507, 9000, 1500, 1472, 1280, 1200][random.index(below: 7)]
    healed = conditions
    if faults.contains(.loss) {
      conditions.lossPercent = random.fraction() * 50
      healed.lossPercent = random.fraction() * min(20, conditions.lossPercent)
    }
    if faults.contains(.bursts) {
      conditions.bursts = .init(
        beginPercent: 0.2 + random.fraction() * 3, endPercent: 2 + random.fraction() * 30,
        lossPercent: 50 + random.fraction() * 50)
    }
    if faults.contains(.reordering) { conditions.jitter = .milliseconds(random.within(1...500)) }
    if faults.contains(.duplication) { conditions.duplicatePercent = random.fraction() * 30 }
    if faults.contains(.corruption) { conditions.corruptPercent = random.fraction() * 10 }
  }

  /// Out of a number of its own, so that older seeds stay what they were.
  private mutating func drawMarks() {
    var random = SplitMix(seed: seed ^ 0xEC4)
    guard random.chance(percent: 25) else { return }
    faults.insert(.ecn)
    let treatment = [LinkConditions.ECNTreatment.carries, .bleaches, .mangles, .drops, .marksAll][random.index(below: 5)]
    let threshold = conditions.queueByteCount / (2 + random.index(below: 20))
    conditions.ecnTreatment = treatment
    conditions.markingByteCount = threshold
    // What a box does to marks does not heal.
    healed.ecnTreatment = treatment
    healed.markingByteCount = threshold
  }

  private mutating func drawStreams(_ random: inout SplitMix) {
    // Every scenario has a stream that shows whether the link works.
    streams = [
      StreamPlan(
        name: "probe", delivery: .reliable, isDurable: true, priority: 0, deadlineMilliseconds: 0, smallest: 8, largest: 32,
        packing: .own)
    ]
    for index in 0..<random.index(below: 5) {
      let delivery = [DeliveryClass.reliable, .reliable, .partial, .unreliable, .latest][random.index(below: 5)]
      let largest = Int(random.logarithmic(1...40_000))
      streams.append(
        StreamPlan(
          name: "s\(index)", delivery: delivery,
          isDurable: delivery == .reliable || delivery == .partial ? random.chance(percent: 60) : false,
          priority: UInt8(random.index(below: 4)),
          deadlineMilliseconds: delivery == .partial ? UInt32(random.within(50...5_000)) : 0,
          smallest: random.chance(percent: 50) ? 0 : largest / 2, largest: largest,
          packing: largest <= 4096
            ? [.own, .headed, .copied][random.index(below: 3)] : [.own, .headed][random.index(below: 2)],
          padding: drawPadding(&random)))
    }
  }

  private func drawPadding(_ random: inout SplitMix) -> Padding {
    if random.chance(percent: 15) { return .buckets }
    // A constant rate takes a good link that is not watched for hours.
    guard random.chance(percent: 5), conditions.bitsPerSecond ?? .max > 500_000, length < .seconds(100) else { return .none }
    return .constantRate(interval: .milliseconds(random.within(100...2_000)))
  }

  /// From a number of its own, so that everything else of a seed stays what it was before there was parity.
  private mutating func drawParity() {
    var random = SplitMix(seed: seed ^ 0xFEC0_FEC0)
    if random.chance(percent: 10) { settings.parityByteCount = Int(random.within(0...60_000)) }
    if random.chance(percent: 20) { settings.parityBlockCount = Int(random.within(1...4)) }
    for index in streams.indices where random.chance(percent: 40) {
      if case .constantRate = streams[index].padding { continue }
      let dataCount = Int(random.within(2...32))
      let parityCount = 1 + random.index(below: min(8, dataCount))
      guard let shape = ParityShape(dataCount: dataCount, parityCount: parityCount) else { continue }
      streams[index].parity = random.chance(percent: 25) ? .automatic(shape) : .always(shape)
    }
  }

  private mutating func drawFaults(_ random: inout SplitMix) {
    func moment(_ random: inout SplitMix) -> UInt64 { random.within(0...length) }
    func times(_ random: inout SplitMix, _ most: Int, _ add: (inout SplitMix, UInt64) -> Void) {
      for _ in 0...random.index(below: most) { add(&random, random.within(0...length)) }
    }
    if faults.contains(.partition) {
      // Mostly seconds, sometimes hours, seldom days.
      let scale = random.fraction()
      let longest: UInt64 = scale < 0.9 ? 90 : scale < 0.98 ? 3_600 : 7 * 86_400
      let duration = UInt64.milliseconds(random.logarithmic(1...longest * 1000))
      events.append(Event(time: moment(&random), action: .partition(nanoseconds: duration)))
      if let time = events.last?.time { length = max(length, time + duration) }
    }
    if faults.contains(.rebinding) || faults.contains(.moving) {
      let interval = UInt64.seconds(random.within(5...30))
      if length < .seconds(300) { length = max(length, .seconds(random.within(10...100))) }
      var time = interval
      while time < length, events.count < 200 {
        let known = !faults.contains(.rebinding) || (faults.contains(.moving) && random.chance(percent: 50))
        events.append(Event(time: time, action: .rebind(host: known || random.chance(percent: 30), known: known)))
        time += interval
      }
    }
    if faults.contains(.pathMTU) {
      times(&random, 4) { random, time in
        events.append(
          Event(time: time, action: .largestDatagram([1200, 1201, 1280, 1452, 9000, 65_507][random.index(below: 6)])))
      }
    }
    if faults.contains(.deviceReboot) {
      times(&random, 3) { random, time in events.append(Event(time: time, action: .rebootDevice)) }
    }
    if faults.contains(.collectorRestart) {
      times(&random, 3) { random, time in
        events.append(
          Event(time: time, action: [.restartCollector, .rebootCollector, .closeCollector][random.index(below: 3)]))
      }
    }
    if faults.contains(.suspension) {
      let time = moment(&random)
      events.append(Event(time: time, action: .suspendDevice))
      events.append(Event(time: time + .milliseconds(random.logarithmic(10...120_000)), action: .resumeDevice))
    }
    if faults.contains(.clocks) { drawClocks(&random) }
    for (fault, action) in [
      (Fault.refusal, { Action.sinkRefuses($0) }), (.dryPool, { Action.poolIsDry($0) }),
    ] as [(Fault, (Bool) -> Action)] where faults.contains(fault) {
      let time = moment(&random)
      events.append(Event(time: time, action: action(true)))
      events.append(Event(time: time + .milliseconds(random.logarithmic(10...60_000)), action: action(false)))
    }
    if faults.contains(.adversary) {
      for _ in 0..<random.within(5...60) {
        events.append(Event(time: moment(&random), action: .attack(count: 1 + random.index(below: 5))))
      }
    }
  }

  private mutating func drawClocks(_ random: inout SplitMix) {
    let year: UInt64 = 365 * 86_400 * 1_000_000_000
    for _ in 0...random.index(below: 4) {
      let device = random.chance(percent: 70)
      let time = random.within(0...length)
      if random.chance(percent: 30) {
        events.append(Event(time: time, action: .stopWall(device: device)))
        events.append(Event(time: random.within(time...length), action: .startWall(device: device)))
      } else {
        let jump = Int64(random.within(0...100 * year)) - Int64(50 * year)
        events.append(Event(time: time, action: .jumpWall(device: device, nanoseconds: jump)))
      }
    }
  }

  /// As much as a bad link carries in the time there is.
  private mutating func drawTraffic(_ random: inout SplitMix) {
    let seconds = Double(length) / 1e9
    var byteBudget = min(random.chance(percent: 5) ? 400_000 : 60_000, seconds * 8_000)
    // At much loss, little more than two packets pass in a round trip.
    if conditions.lossPercent > 10 || conditions.bursts != nil || conditions.delay > .milliseconds(200) {
      byteBudget = min(byteBudget, 15_000)
    }
    if let rate = conditions.bitsPerSecond { byteBudget = min(byteBudget, Double(rate) / 8 * seconds * 0.3) }
    for index in streams.indices.dropFirst() {
      let mean = (streams[index].smallest + streams[index].largest) / 2 + 60
      let share = byteBudget / Double(streams.count - 1)
      if Double(streams[index].largest) > max(2_000, share) { streams[index].largest = Int(max(2_000, share)) }
      streams[index].smallest = min(streams[index].smallest, streams[index].largest)
      var count = max(1, min(byteBudget > 60_000 ? 400 : 60, Int(share / Double(mean))))
      while count > 0 {
        let together = random.chance(percent: 20) ? min(count, 1 + random.index(below: 20)) : 1
        events.append(Event(time: random.within(0...length), action: .send(stream: index, count: together)))
        count -= together
      }
    }
    for index in streams.indices.dropFirst() where random.chance(percent: 15) {
      events.append(Event(time: random.within(length / 2...length), action: .finish(stream: index)))
    }
    for _ in 0..<3 { events.append(Event(time: random.within(0...length), action: .send(stream: 0, count: 1))) }
  }
}
