import SimulationWorld
import STC
import STTIngest
import STTSession
import STTWire
import Testing

@Suite struct ReconnectTests {
  @Test("kill the collector between sync and acknowledgement: nothing durable is lost or doubled", arguments: 0..<20)
  func collectorRestarts(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed), conditions: LinkConditions(lossPercent: 2, jitter: .milliseconds(5)))
    let stream = world.open("s")
    for round in 0..<30 {
      for _ in 0..<20 { _ = world.send(stream, byteCount: 500) }
      world.run(limit: .milliseconds(150))
      if round == 10 { world.restartCollector() }
      if round == 20 {
        world.run(limit: .seconds(60)) { $0.connectionCount == 2 && $0.promised(stream) > 250 }
        world.restartCollector()
      }
    }
    world.run(limit: .seconds(200)) { $0.isRelieved }
    #expect(world.holdsExactly(0, stream: stream, count: 600, byteCount: { _ in 500 }), "seed \(seed)")
    #expect(world.connectionCount == 3)
  }

  @Test("what was acknowledged as durable stays when power is cut at any moment", arguments: 0..<20)
  func durableSurvivesPowerLoss(seed: Int) throws {
    let world = try World(seed: UInt64(seed), conditions: LinkConditions(lossPercent: 3))
    let stream = world.open("s")
    for _ in 0..<200 { _ = world.send(stream, byteCount: 700) }
    world.run(limit: .milliseconds(100 + UInt64(seed) * 37))
    let promised = world.promised(stream)
    world.restartCollector()
    #expect(UInt64(world.recorded.first?.numbers.count ?? 0) >= promised)
  }

  @Test("a partition of a minute: the session ends on both sides and a new one carries on")
  func partitionHeals() throws {
    let world = try World(seed: 5)
    let stream = world.open("s")
    _ = world.send(stream, byteCount: 100)
    world.run(limit: .seconds(2))
    world.link.conditions.partition = world.now.nanoseconds..<world.now.nanoseconds + .seconds(60)
    for _ in 0..<50 { _ = world.send(stream, byteCount: 100) }
    world.run(limit: .seconds(60))
    #expect(world.deviceEvents.contains(.disconnected(.silent)))
    world.run(limit: .seconds(100)) { $0.isRelieved }
    #expect(world.holdsExactly(0, stream: stream, count: 51, byteCount: { _ in 100 }))
  }

  @Test("a clean close is told to the collector")
  func closeIsTold() throws {
    let world = try World(seed: 6)
    let stream = world.open("s")
    _ = world.send(stream, byteCount: 100)
    world.run(limit: .seconds(2)) { $0.isRelieved }
    world.device.close()
    world.run(limit: .seconds(1))
    let ends = world.collectorEvents.compactMap { event -> Session.End? in
      if case .ended(_, _, let end, _) = event { end } else { nil }
    }
    #expect(ends == [.closedByPeer(reason: CloseReason.shutdown.rawValue, text: "")])
  }

  @Test("a finished stream's end arrives after all its messages")
  func streamEnds() throws {
    let world = try World(seed: 7, conditions: LinkConditions(lossPercent: 5))
    let stream = world.open("s")
    for _ in 0..<50 { _ = world.send(stream, byteCount: 100) }
    world.device.finish(stream)
    world.run(limit: .seconds(60)) { $0.recorded.first?.end != nil }
    #expect(world.recorded[0].end == 50)
    #expect(world.holdsExactly(0, stream: stream, count: 50, byteCount: { _ in 100 }))
  }

  @Test("the clock estimate finds a device half a century off, to within half a round trip")
  func clockOffsetIsFound() throws {
    let world = try World(seed: 8, conditions: LinkConditions(delay: .milliseconds(15)))
    world.deviceClock.wallOffset = -50 * 365 * 86_400 * 1_000_000_000
    _ = world.open("s")
    world.run(limit: .seconds(5))
    let estimates = world.collectorEvents.compactMap { event -> ClockEstimate? in
      if case .clock(_, _, let estimate) = event { estimate } else { nil }
    }
    let estimate = try #require(estimates.last)
    #expect(abs(estimate.wallOffsetNanoseconds - world.deviceClock.wallOffset) <= Int64(estimate.uncertaintyNanoseconds) + 1)
    #expect(estimate.uncertaintyNanoseconds <= 20_000_000)
  }

  @Test("keys ratchet while messages flow, and nothing is lost")
  func ratchets() throws {
    let world = try World(seed: 9)
    let stream = world.open("s")
    for _ in 0..<10 {
      _ = world.send(stream, byteCount: 1000)
      world.run(limit: .seconds(901))
    }
    #expect((world.device.statistics?.ratchets ?? 0) >= 5)
    #expect(world.holdsExactly(0, stream: stream, count: 10, byteCount: { _ in 1000 }))
    #expect(world.connectionCount == 1)
  }
}
