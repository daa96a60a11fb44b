import SimulationWorld
import STTSession
import STTWire
import Testing

/// What becomes of messages that are too late or replaced (docs/protocol.md 2.15).
@Suite struct DeliveryClassTests {
  @Test("PARTIAL: after an outage, what is too old is a gap, and all else arrives once, in order", arguments: 0..<10)
  func partialGivesUpByDeadline(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed), conditions: LinkConditions(lossPercent: 5, jitter: .milliseconds(10), delay: .milliseconds(20)))
    let stream = world.open("video", delivery: .partial, durable: seed.isMultiple(of: 2), deadlineMilliseconds: 500)
    world.run(limit: .seconds(5)) { $0.device.isConnected }
    for round in 0..<300 {
      if round == 100 { world.link.conditions.lossPercent = 100 }
      if round == 200 { world.link.conditions.lossPercent = 5 }
      _ = world.send(stream, byteCount: 3000)
      world.run(limit: .milliseconds(20))
    }
    world.run(limit: .seconds(120)) { $0.isRelieved && $0.device.outbox.delivered(stream) == 300 }
    #expect(world.isRelieved)
    #expect(world.heldLeases == 0)
    let recorded = world.recorded[0]
    #expect(recorded.numbers == recorded.numbers.sorted() && Set(recorded.numbers).count == recorded.numbers.count)
    let gaps = recorded.skipped.flatMap { Array($0) }
    #expect(Set(gaps).isDisjoint(with: recorded.numbers))
    #expect(Set(gaps).union(recorded.numbers) == Set(0..<300), "every message is delivered or told of as a gap")
    // Two seconds of outage less half a second of patience, at fifty a second.
    #expect(gaps.count > 60, "\(gaps.count)")
    for (number, payload) in zip(recorded.numbers, recorded.payloads) {
      #expect(payload == World.payload(stream: stream, number: number, byteCount: 3000))
    }
  }

  @Test("PARTIAL: what was given up in one session is a gap in the next")
  func partialAcrossSessions() throws {
    let world = try World(seed: 5)
    let stream = world.open("video", delivery: .partial, deadlineMilliseconds: 500)
    for _ in 0..<20 { _ = world.send(stream, byteCount: 2000) }
    world.run(limit: .seconds(10)) { $0.isRelieved }
    world.link.conditions.lossPercent = 100
    for _ in 0..<20 {
      _ = world.send(stream, byteCount: 2000)
      world.run(limit: .milliseconds(100))
    }
    world.restartCollector()
    world.run(limit: .seconds(60))
    world.link.conditions.lossPercent = 0
    world.run(limit: .seconds(90)) { $0.device.isConnected }
    for _ in 0..<20 { _ = world.send(stream, byteCount: 2000) }
    world.run(limit: .seconds(30)) { $0.isRelieved }
    let recorded = world.recorded[0]
    #expect(recorded.numbers == Array(0..<20) + Array(40..<60))
    #expect(recorded.skipped.flatMap { Array($0) } == Array(20..<40))
  }

  @Test("LATEST: the newest message arrives whatever is lost, and older ones never after it", arguments: 0..<10)
  func latestKeepsTheNewest(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed),
      conditions: LinkConditions(lossPercent: 30, duplicatePercent: 10, jitter: .milliseconds(60), delay: .milliseconds(20)))
    let stream = world.open("state", delivery: .latest, durable: false)
    func size(_ number: UInt64) -> Int { number.isMultiple(of: 3) ? 5000 : 40 }
    for _ in 0..<100 {
      _ = world.send(stream, byteCount: size(world.device.outbox.nextNumber(stream)))
      world.run(limit: .milliseconds(15))
      #expect(world.heldLeases <= 2, "the newest, and the one that is leaving")
    }
    world.run(limit: .seconds(300)) { $0.isRelieved }
    #expect(world.isRelieved)
    let recorded = try #require(world.recorded.first)
    #expect(recorded.numbers.last == 99)
    #expect(recorded.numbers == recorded.numbers.sorted() && Set(recorded.numbers).count == recorded.numbers.count)
    #expect(recorded.skipped.isEmpty)
    for (number, payload) in zip(recorded.numbers, recorded.payloads) {
      #expect(payload == World.payload(stream: stream, number: number, byteCount: size(number)))
    }
  }

  @Test("LATEST: while the link is down only the newest is kept")
  func latestSupersedes() throws {
    let world = try World(seed: 2)
    let stream = world.open("state", delivery: .latest, durable: false)
    for _ in 0..<50 { _ = world.send(stream, byteCount: 4000) }
    #expect(world.heldLeases == 1)
    #expect(world.device.outbox.dropped(stream) == 49)
    world.run(limit: .seconds(5)) { $0.isRelieved }
    #expect(world.recorded[0].numbers == [49])
  }

  @Test("a camera that fills the link does not starve a sensor of lower priority")
  func lowerPriorityKeepsItsShare() throws {
    let world = try World(seed: 4, conditions: LinkConditions(delay: .milliseconds(25)))
    let camera = world.open("camera", durable: false, priority: 0)
    let sensor = world.open("sensor", durable: false, priority: 3)
    world.run(limit: .seconds(5)) { $0.device.isConnected }
    for _ in 0..<400 { _ = world.send(camera, byteCount: 20_000) }
    for _ in 0..<200 { _ = world.send(sensor, byteCount: 40) }
    world.run(limit: .seconds(60)) { $0.device.outbox.delivered(sensor) == 200 }
    #expect(world.device.outbox.delivered(camera) < 200, "the camera's messages still fill the link")
    world.run(limit: .seconds(60)) { $0.isRelieved }
    #expect(world.isRelieved)
  }
}
