import STTSession
import SimulationWorld
import Testing

/// A device whose counter went beyond what the collector expects (docs/protocol.md 2.4).
@Suite struct WindowTests {
  @Test("a device that was restarted again and again while alone is back soon after its next attempt", arguments: 0..<8)
  func restartsWhileAlone(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed), conditions: LinkConditions(lossPercent: seed.isMultiple(of: 2) ? 0 : 10))
    world.run(limit: .seconds(5)) { $0.device.isConnected }
    world.link.conditions.partition = 0..<world.now.nanoseconds + .seconds(400)
    for _ in 0..<4 {
      // Each leaves a block of counters unused.
      world.rebootDevice()
      world.run(limit: .seconds(40 + UInt64(seed)))
    }
    world.run(limit: .seconds(400) - 4 * .seconds(40 + UInt64(seed)))
    let attempts = world.attemptCount
    world.run(limit: .seconds(90)) { $0.attemptCount > attempts }
    let begun = world.now
    world.run(limit: .seconds(200)) { $0.device.isConnected }
    let isBack = world.device.isConnected
    #expect(isBack)
    #expect(world.now.since(begun) < .seconds(15), "one attempt to learn that the collector is there, one to be found")
  }
}
