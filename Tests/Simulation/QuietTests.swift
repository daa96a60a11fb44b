import STC
import STTSession
import STTWire
import SimulationWorld
import Testing

@Suite struct QuietTests {
  @Test("two ends that have nothing to say say little", arguments: [Padding.none, .buckets])
  func idleSessionsAreQuiet(padding: Padding) throws {
    let world = try World(seed: 1)
    let stream = world.open("s", durable: false, padding: padding)
    for _ in 0..<20 { _ = world.send(stream, byteCount: 700) }
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(world.isRelieved)
    world.run(limit: .seconds(5))
    let before = world.link.datagramCount
    world.run(limit: .seconds(100))
    // A KEEP_ALIVE each way every ten seconds, and their answers.
    #expect(world.link.datagramCount - before <= 60)
  }

  @Test(
    "a large datagram after small ones, later acknowledged than they taught, is not given up again and again",
    arguments: [60_000, 200_000, 895_000] as [UInt64], [1, 15] as [UInt64])
  func probesLearn(bitsPerSecond: UInt64, delayMilliseconds: UInt64) throws {
    let world = try World(seed: 1, conditions: LinkConditions(delay: .milliseconds(delayMilliseconds)), modes: [.seed])
    world.link.conditions.bitsPerSecond = bitsPerSecond
    let small = world.open("small", delivery: .unreliable, durable: false)
    let stream = world.open("s", durable: false, padding: .constantRate(interval: .milliseconds(1202)))
    for _ in 0..<40 {
      _ = world.send(small, byteCount: 10)
      world.run(limit: .milliseconds(250))
    }
    for _ in 0..<3 { _ = world.send(stream, byteCount: 2500) }
    world.run(limit: .seconds(60)) { $0.isRelieved }
    #expect(world.isRelieved)
    let probes = world.device.statistics?.probeTimeouts ?? 0
    #expect(probes < 20)
  }
}
