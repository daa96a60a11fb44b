import STC
import SimulationWorld
import STTSession
import STTWire
import Testing

@Suite struct RekeyTests {
  @Test("new keys every two seconds, over a bad link, cost no session and no message", arguments: 0..<12)
  func ratchetsUnderLoss(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed),
      conditions: LinkConditions(
        lossPercent: [0, 5, 20][seed % 3], duplicatePercent: 5, jitter: .milliseconds(40), delay: .milliseconds(20)),
      settings: Session.Settings(rekeyInterval: .seconds(2)))
    let stream = world.open("s")
    for _ in 0..<200 {
      _ = world.send(stream, byteCount: 700)
      world.run(limit: .milliseconds(250))
    }
    world.run(limit: .seconds(120)) { $0.isRelieved }
    #expect(world.isRelieved)
    #expect(world.connectionCount == 1)
    #expect(world.holdsExactly(0, stream: stream, count: 200) { _ in 700 })
    let rekeys = world.device.statistics?.rekeys ?? 0
    #expect(rekeys >= 10)
  }

  @Test("bytes bring new keys as well as time does")
  func ratchetsByBytes() throws {
    let world = try World(seed: 1, settings: Session.Settings(rekeyByteCount: 500_000))
    let stream = world.open("s", durable: false)
    for _ in 0..<100 {
      _ = world.send(stream, byteCount: 50_000)
      world.run(limit: .milliseconds(100))
    }
    world.run(limit: .seconds(10)) { $0.isRelieved }
    let rekeys = world.device.statistics?.rekeys ?? 0
    #expect(rekeys >= 8)
    #expect(world.holdsExactly(0, stream: stream, count: 100) { _ in 50_000 })
  }

  @Test("a session of SEED mode, which has no secret to add, offers none")
  func seedModeOffersNone() throws {
    let world = try World(seed: 1, modes: [.seed], settings: Session.Settings(rekeyInterval: .seconds(1)))
    let stream = world.open("s")
    _ = world.send(stream, byteCount: 10)
    world.run(limit: .seconds(30))
    #expect(world.isRelieved)
    let rekeys = world.device.statistics?.rekeys
    #expect(rekeys == 0)
  }

  @Test("a new offer that overtakes the last ACCEPT's acknowledgement costs no session", arguments: 0..<10)
  func offersInQuickSuccession(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed), conditions: LinkConditions(lossPercent: 20, jitter: .milliseconds(40), delay: .milliseconds(20)),
      settings: Session.Settings(rekeyInterval: .milliseconds(50)))
    let stream = world.open("s")
    for _ in 0..<60 {
      _ = world.send(stream, byteCount: 700)
      world.run(limit: .milliseconds(250))
    }
    world.run(limit: .seconds(120)) { $0.isRelieved }
    #expect(world.connectionCount == 1)
    #expect(world.holdsExactly(0, stream: stream, count: 60) { _ in 700 })
  }
}
