import STTSession
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
}
