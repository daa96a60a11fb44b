import STTSession
import STTWire
import SimulationWorld
import Testing

@Suite struct ECNTests {
  /// A link of 10 Mbit/s and 40 ms whose queue holds two products of both.
  private func world(
    marking: Int? = nil, treatment: LinkConditions.ECNTreatment = .carries, seed: UInt64 = 1
  ) throws -> World {
    var conditions = LinkConditions(delay: .milliseconds(20))
    conditions.bitsPerSecond = 10_000_000
    conditions.queueByteCount = 100_000
    conditions.markingByteCount = marking
    conditions.ecnTreatment = treatment
    return try World(seed: seed, conditions: conditions)
  }

  /// Sends all it may for `length`; answers the share of the link's bits that arrived as payload.
  private func fill(_ world: World, _ stream: Int, _ length: UInt64, each: (World) -> Void = { _ in }) -> Double {
    let end = world.now + length
    let before = world.recorded.first?.numbers.count ?? 0
    while world.now < end {
      while world.heldLeases < 200, world.send(stream, byteCount: 6_000) {}
      world.run(limit: .milliseconds(5))
      each(world)
    }
    return Double(((world.recorded.first?.numbers.count ?? 0) - before) * 6_000 * 8) / (10_000_000 * Double(length) / 1e9)
  }

  @Test("a queue that marks instead of dropping stays near its threshold, without loss, and the link full")
  func marksHoldTheQueue() throws {
    let world = try world(marking: 15_000)
    let stream = world.open("s", durable: false)
    _ = fill(world, stream, .seconds(3))
    let (lost, drops) = (world.device.statistics?.packetsLost ?? 0, world.link.queueDropCount)
    var roundTrips: [UInt64] = []
    let share = fill(world, stream, .seconds(20)) {
      if let sample = $0.device.smoothedRoundTrip { roundTrips.append(sample) }
    }
    #expect(world.device.usesECN == true)
    #expect(world.device.statistics?.packetsMarked ?? 0 > 0)
    #expect(world.device.statistics?.packetsLost == lost && world.link.queueDropCount == drops, "no loss")
    // 90 % of what fits: 1228 bytes on the link carry 1132 of payload.
    #expect(share >= 0.9 * 0.92)
    roundTrips.sort()
    // The threshold is 12 ms of queue.
    #expect(roundTrips[roundTrips.count / 2] <= .milliseconds(40 + 12 + 6))
  }

  @Test(
    "a path that clears, changes or sets every mark is noticed, and the stream goes on unmarked",
    arguments: [LinkConditions.ECNTreatment.bleaches, .mangles, .marksAll])
  func boxesThatMeddle(treatment: LinkConditions.ECNTreatment) throws {
    let world = try world(treatment: treatment)
    let stream = world.open("s", durable: false)
    _ = fill(world, stream, .seconds(2))
    let marked = world.link.markedCount
    let share = fill(world, stream, .seconds(5))
    #expect(world.device.usesECN == false)
    #expect(share >= 0.8)
    // What the collector marks is its own affair: it says little.
    #expect(world.link.markedCount - marked <= 40)
    #expect(world.connectionCount == 1)
  }

  @Test("a path that drops whatever is marked costs a moment, and no session")
  func blackHole() throws {
    let world = try world(treatment: .drops)
    let stream = world.open("s", durable: false)
    let early = fill(world, stream, .seconds(15))
    let late = fill(world, stream, .seconds(5))
    #expect(world.device.usesECN == false)
    #expect(world.connectionCount == 1)
    #expect(early >= 0.5 && late >= 0.8)
  }

  @Test("a path that begins to drop marked packets in the middle of a session is survived")
  func laterBlackHole() throws {
    let world = try world()
    let stream = world.open("s", durable: false)
    _ = fill(world, stream, .seconds(3))
    #expect(world.device.usesECN == true)
    world.link.conditions.ecnTreatment = .drops
    _ = fill(world, stream, .seconds(20))
    let share = fill(world, stream, .seconds(5))
    #expect(world.connectionCount == 1)
    #expect(share >= 0.8, "\(String(describing: world.device.statistics)), \(world.heldLeases) held")
  }

  @Test("marks are asked for again on another path")
  func roaming() throws {
    let world = try world(treatment: .bleaches)
    let stream = world.open("s", durable: false)
    _ = fill(world, stream, .seconds(2))
    #expect(world.device.usesECN == false)
    world.link.conditions.ecnTreatment = .carries
    world.deviceAddress.low += 1
    world.deviceMoved()
    _ = fill(world, stream, .seconds(8))
    #expect(world.device.usesECN == true)
    #expect(world.connectionCount == 1)
  }
}
