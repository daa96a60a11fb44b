import SimulationWorld
import STTSession
import STTWire
import Testing

@Suite struct PathTests {
  private static let search = Session.Settings(largestDatagramByteCount: 65_507)

  @Test(
    "finds the largest datagram a path carries, and loses nothing over it",
    arguments: [1200, 1279, 1280, 1400, 1452, 1473, 9000, 65_507])
  func climbs(mtu: Int) throws {
    let world = try World(
      seed: UInt64(mtu), conditions: LinkConditions(delay: .milliseconds(5), largestDatagram: mtu), settings: Self.search)
    let stream = world.open("s", durable: false)
    for _ in 0..<40 {
      for _ in 0..<5 { _ = world.send(stream, byteCount: 50_000) }
      world.run(limit: .milliseconds(250))
    }
    world.run(limit: .seconds(60)) { $0.isRelieved }
    #expect(world.isRelieved)
    #expect(world.holdsExactly(0, stream: stream, count: 200) { _ in 50_000 })
    let expected = [1200, 1280, 1400, 1452, 1472, 4096, 8952, 16_384, 32_768, 65_507].last { $0 <= mtu }
    #expect(world.device.datagramByteCount == expected)
    #expect(world.device.statistics?.packetsLost == 0)
  }

  @Test("a path that stops carrying large datagrams is noticed, and the stream goes on", arguments: 0..<6)
  func fallsFromABlackHole(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed), conditions: LinkConditions(lossPercent: seed.isMultiple(of: 2) ? 0 : 2, delay: .milliseconds(20)),
      settings: Self.search)
    let stream = world.open("s", durable: false)
    for round in 0..<60 {
      if round == 20 { world.link.conditions.largestDatagram = 1300 }
      _ = world.send(stream, byteCount: 30_000)
      world.run(limit: .milliseconds(200))
    }
    world.run(limit: .seconds(60)) { $0.isRelieved }
    #expect(world.isRelieved)
    #expect(world.connectionCount == 1, "the session survives")
    #expect(world.holdsExactly(0, stream: stream, count: 60) { _ in 30_000 })
    world.run(limit: .seconds(30))
    #expect(world.device.datagramByteCount == 1280)
  }
}
