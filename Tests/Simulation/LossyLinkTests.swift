import SimulationWorld
import STC
import STTSession
import STTWire
import Testing

@Suite struct LossyLinkTests {
  /// Sizes from nothing to several packets.
  static func size(_ number: UInt64) -> Int { [0, 1, 64, 900, 1136, 1137, 5000, 70_000][Int(number % 8)] }

  @Test("5 % loss, reordering and duplicates: every reliable message arrives once, in order", arguments: 0..<40)
  func reliableSurvivesLoss(seed: Int) throws {
    let conditions = LinkConditions(
      lossPercent: 5, duplicatePercent: 5, jitter: .milliseconds(30), delay: .milliseconds(20))
    let world = try World(seed: UInt64(seed), conditions: conditions)
    let large = world.open("large")
    let small = world.open("small", priority: 0)
    for _ in 0..<200 where !world.send(large, byteCount: Self.size(world.device.outbox.nextNumber(large))) {
      Issue.record("the pool is large enough")
    }
    for _ in 0..<1000 where !world.send(small, byteCount: 40) { Issue.record("the pool is large enough") }
    world.run(limit: .seconds(300)) { $0.isRelieved }
    #expect(world.isRelieved, "seed \(seed): everything is acknowledged as durable")
    #expect(world.heldLeases == 0)
    let largeToken = try #require(world.recorded.firstIndex { $0.open.name == "large" })
    let smallToken = try #require(world.recorded.firstIndex { $0.open.name == "small" })
    #expect(world.holdsExactly(largeToken, stream: large, count: 200, byteCount: Self.size), "seed \(seed)")
    #expect(world.holdsExactly(smallToken, stream: small, count: 1000, byteCount: { _ in 40 }), "seed \(seed)")
  }

  @Test("a clean link loses nothing and resends nothing")
  func cleanLinkNeedsNoRepeats() throws {
    let world = try World(seed: 1)
    let stream = world.open("s")
    for _ in 0..<300 { _ = world.send(stream, byteCount: 3000) }
    world.run(limit: .seconds(60)) { $0.isRelieved }
    #expect(world.holdsExactly(0, stream: stream, count: 300, byteCount: { _ in 3000 }))
    #expect(world.device.statistics?.packetsLost == 0)
  }

  @Test("corrupted datagrams are never delivered", arguments: 0..<10)
  func corruptionIsLoss(seed: Int) throws {
    let world = try World(seed: UInt64(seed), conditions: LinkConditions(corruptPercent: 10))
    let stream = world.open("s")
    for _ in 0..<200 { _ = world.send(stream, byteCount: 2000) }
    world.run(limit: .seconds(120)) { $0.isRelieved }
    #expect(world.holdsExactly(0, stream: stream, count: 200, byteCount: { _ in 2000 }), "seed \(seed)")
  }

  @Test("a message of 16 MiB minus its times arrives whole")
  func largestMessageArrives() throws {
    let world = try World(seed: 3, settings: Session.Settings(datagramByteCount: 9000))
    let byteCount = 16 << 20 - 16
    let stream = world.open("huge", largest: 16 << 20 - 16)
    #expect(world.send(stream, byteCount: byteCount))
    world.run(limit: .seconds(120)) { $0.isRelieved }
    #expect(world.holdsExactly(0, stream: stream, count: 1, byteCount: { _ in byteCount }))
  }

  @Test("an unreliable stream delivers no message twice and none that was not sent", arguments: 0..<10)
  func unreliableNeverRepeats(seed: Int) throws {
    let conditions = LinkConditions(lossPercent: 10, duplicatePercent: 10, jitter: .milliseconds(20))
    let world = try World(seed: UInt64(seed), conditions: conditions)
    let stream = world.open("latest", delivery: .unreliable, durable: false)
    for round in 0..<100 {
      _ = world.send(stream, byteCount: round % 3 == 0 ? 4000 : 50)
      world.run(limit: .milliseconds(50))
    }
    world.run(limit: .seconds(5))
    let recorded = world.recorded[0]
    #expect(Set(recorded.numbers).count == recorded.numbers.count)
    #expect(recorded.numbers.count > 50 && recorded.numbers.count < 100)
    for (number, payload) in zip(recorded.numbers, recorded.payloads) {
      #expect(payload == World.payload(stream: stream, number: number, byteCount: number % 3 == 0 ? 4000 : 50))
    }
    #expect(world.isRelieved)
  }
}
