import STTBuffers
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

/// A packet that is refused is not marked as seen; what it held may come a second time.
@Suite struct RefusedPacketTests {
  @Test("UNRELIABLE: a message from a bundle that was refused for its neighbour's sake is not delivered again")
  func refusedBundleDoesNotRepeat() throws {
    let world = try World(seed: 1)
    world.link.keepsHistory = true
    let state = world.open("unreliable", delivery: .unreliable, durable: false, priority: 0)
    world.run(limit: .seconds(2))
    // The STREAM_OPEN of the other stream is lost: its message in the bundle that follows is refused.
    let log = world.open("reliable", durable: false)
    _ = world.send(state, byteCount: 20)
    _ = world.send(log, byteCount: 100)
    var sentCount = 0
    world.onSent = { _ in
      sentCount += 1
      world.link.conditions.lossPercent = sentCount == 1 ? 100 : 0
    }
    world.run(limit: .milliseconds(5))
    world.onSent = nil
    for _ in 0..<3 {
      world.run(limit: .milliseconds(100))
      for flight in world.link.history { world.arrive(flight) }
    }
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(world.isRelieved)
    #expect(world.recorded.map(\.numbers).sorted { $0.count < $1.count } == [[0], [0]])
  }
}

/// When a collector that refused everything has room again.
@Suite struct RefusalEndsTests {
  @Test("a device that was refused for a while is done within twenty seconds of the end of that", arguments: 0..<8)
  func patienceEnds(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed), conditions: LinkConditions(jitter: .milliseconds(170), delay: .milliseconds(100)))
    let stream = world.open("s", durable: false)
    if seed.isMultiple(of: 2) { world.sink.isDry = true } else { world.sink.accepts = false }
    for _ in 0..<20 { _ = world.send(stream, byteCount: 2000) }
    world.run(limit: .seconds(30 + UInt64(seed) * 5))
    world.sink.isDry = false
    world.sink.accepts = true
    world.run(limit: .seconds(20)) { $0.recorded.first?.numbers.count == 20 }
    #expect(world.recorded.first?.numbers.count == 20)
    #expect(world.connectionCount == 1)
  }
}

/// A collector whose recorder takes a few messages at a time.
@Suite struct LittleRoomTests {
  @Test("what a closed gap lets go is delivered bit by bit, though its device has nothing more to say", arguments: 0..<10)
  func bitByBit(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed), conditions: LinkConditions(lossPercent: 10, jitter: .milliseconds(10), delay: .milliseconds(20)))
    let stream = world.open("s", durable: false)
    world.run(limit: .seconds(2))
    world.sinkRoom = 30
    for _ in 0..<40 {
      for _ in 0..<50 { _ = world.send(stream, byteCount: 40) }
      world.run(limit: .milliseconds(2))
    }
    world.run(limit: .seconds(8)) { $0.isRelieved }
    #expect(world.holdsExactly(0, stream: stream, count: 2000) { _ in 40 })
    #expect(world.isRelieved)
  }
}

/// A collector with a handful of buffers, where messages that wait for an earlier one could hold them all.
@Suite struct FewBuffersTests {
  @Test("messages of a few bytes get past a loss with four buffers", arguments: 0..<10)
  func smallMessages(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed), conditions: LinkConditions(lossPercent: 10, jitter: .milliseconds(40)),
      collectorBuffers: [SlabClass(byteCount: 2048, count: 4)])
    let stream = world.open("s", durable: false)
    for _ in 0..<30 {
      for _ in 0..<10 { _ = world.send(stream, byteCount: 60) }
      world.run(limit: .milliseconds(30))
    }
    world.run(limit: .seconds(100)) { $0.isRelieved }
    #expect(world.holdsExactly(0, stream: stream, count: 300) { _ in 60 })
  }

  @Test("messages of two packets get past a loss with four buffers", arguments: 0..<10)
  func largeMessages(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed), conditions: LinkConditions(lossPercent: 30, jitter: .milliseconds(40)),
      collectorBuffers: [SlabClass(byteCount: 8192, count: 4)])
    let stream = world.open("s", durable: false)
    for _ in 0..<60 { _ = world.send(stream, byteCount: 1300) }
    world.run(limit: .seconds(600)) { $0.isRelieved }
    #expect(world.holdsExactly(0, stream: stream, count: 60) { _ in 1300 })
  }
}
