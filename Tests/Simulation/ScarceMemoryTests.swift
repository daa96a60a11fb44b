import STTSession
import STTWire
import SimulationWorld
import Testing

/// Faults that `make simulate` found where memory or room is missing for a while.
@Suite struct ScarceMemoryTests {
  @Test("LATEST: a message of many packets that met no memory comes again when there is some")
  func latestComesAgain() throws {
    let world = try World(seed: 1)
    let stream = world.open("state", delivery: .latest, durable: false)
    world.run(limit: .seconds(2))
    world.sink.isDry = true
    _ = world.send(stream, byteCount: 5000)
    world.run(limit: .seconds(3))
    #expect(world.recorded[0].numbers.isEmpty)
    world.sink.isDry = false
    world.run(limit: .seconds(60)) { $0.isRelieved }
    #expect(world.isRelieved)
    #expect(world.recorded[0].numbers == [0])
  }
}
