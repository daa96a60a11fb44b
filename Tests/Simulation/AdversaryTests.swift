import STC
import STTIngest
import STTSession
import STTWire
import SimulationWorld
import Testing

/// Somebody on the path alters, cuts, reflects and splices what passes; both ends are the real ones.
@Suite struct AdversaryTests {
  /// A world whose link carries nothing by itself: every datagram is in the test's hands.
  private final class Interception {
    let world: World
    private var taken = 0

    init(_ world: World) {
      self.world = world
      world.link.keepsHistory = true
      world.link.conditions.lossPercent = 100
      world.wire = WireOracle()
    }

    /// What was sent since the last time.
    func sent() -> [Link.Flight] {
      world.run(limit: 1)
      defer { taken = world.link.history.count }
      return Array(world.link.history[taken...])
    }

    func release() {
      world.link.conditions.lossPercent = 0
      world.link.keepsHistory = false
    }
  }

  private static func isRetry(_ flight: Link.Flight) -> Bool {
    (try? FrameHeader(datagram: flight.bytes.span.bytes))?.flags.contains(.retry) == true
  }

  /// Bits to change: all but those of the checksums, which are mended.
  private static func bits(of datagram: [UInt8]) -> [Int] {
    (0..<(datagram.count - 4) * 8).filter { !(176..<192).contains($0) }
  }

  @Test(
    "every bit of every handshake message changed on its way: no session, and the genuine messages still make one",
    arguments: [HandshakeMode.seed, .hybrid])
  func handshakeFlips(mode: HandshakeMode) throws {
    let attacked = Interception(try World(seed: 3, modes: [mode], suites: [.chaCha20Poly1305]))
    let world = attacked.world
    let stream = world.open("s")
    var flipCount = 0
    var genuine = attacked.sent()
    // HELLO, RESPONSE, AUTH_PROOF, FINAL.
    for message in 0..<4 {
      #expect(genuine.count == (message == 2 && mode == .hybrid ? 2 : 1), "message \(message)")
      for flight in genuine {
        for bit in Self.bits(of: flight.bytes) {
          var altered = flight
          altered.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
          altered.bytes = Checksums.mended(altered.bytes)
          world.arrive(altered)
          flipCount += 1
        }
        let isConnected = world.device.isConnected
        #expect(!isConnected && world.collector.sessionCount == (message == 3 ? 1 : 0))
        #expect(attacked.sent().allSatisfy(Self.isRetry), "a stranger's HELLO gets RETRY at most")
        world.arrive(flight)
      }
      genuine = attacked.sent()
    }
    #expect(flipCount > (mode == .hybrid ? 30_000 : 9_000))
    attacked.release()
    _ = world.send(stream, byteCount: 100)
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(world.connectionCount == 1 && world.collector.sessionCount == 1)
    #expect(world.holdsExactly(0, stream: stream, count: 1) { _ in 100 })
    #expect(world.violations.isEmpty)
  }

  @Test("every bit of sampled session frames changed: none is taken, and the genuine ones are", arguments: 0..<3)
  func sessionFlips(seed: Int) throws {
    let world = try World(seed: UInt64(seed))
    let stream = world.open("s")
    world.run(limit: .seconds(2)) { $0.device.isConnected }
    world.run(limit: .seconds(1))
    let attacked = Interception(world)
    var flipCount: UInt64 = 0
    for round in 0..<4 {
      _ = world.send(stream, byteCount: 30 + 20 * round)
      for flight in attacked.sent() + attacked.sent() {
        let before = (world.device.statistics?.packetsReceived, world.recorded[0].numbers.count)
        for bit in 0..<flight.bytes.count * 8 {
          var altered = flight
          altered.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
          altered.bytes = Checksums.mended(altered.bytes)
          if altered.bytes == flight.bytes { continue }
          world.arrive(altered)
          flipCount += 1
        }
        let after = (world.device.statistics?.packetsReceived, world.recorded[0].numbers.count)
        #expect(before == after)
        world.arrive(flight)
      }
      world.run(limit: .milliseconds(30))
    }
    #expect(flipCount > 4000)
    attacked.release()
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(world.connectionCount == 1)
    #expect(world.holdsExactly(0, stream: stream, count: 4) { 30 + 20 * Int($0) })
  }

  @Test("every datagram reflected to its sender, at once and late: one session, every message once", arguments: 0..<4)
  func reflection(seed: Int) throws {
    let world = try World(seed: UInt64(seed))
    world.link.keepsHistory = true
    let stream = world.open("s")
    var reflected = 0
    for _ in 0..<40 {
      _ = world.send(stream, byteCount: 700)
      world.run(limit: .milliseconds(20))
      while reflected < world.link.history.count {
        var flight = world.link.history[reflected]
        flight.toCollector.toggle()
        world.arrive(flight)
        world.link.inject(flight.bytes, toCollector: flight.toCollector, arrival: world.now + .seconds(1))
        reflected += 1
      }
    }
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(reflected > 50)
    #expect(world.connectionCount == 1 && world.collector.sessionCount == 1)
    #expect(world.holdsExactly(0, stream: stream, count: 40) { _ in 700 })
  }

  @Test("all of another pair's and an earlier session's datagrams, whole and spliced with ours, do nothing")
  func splicing() throws {
    let other = try World(seed: 11)
    other.link.keepsHistory = true
    let world = try World(seed: 12)
    world.link.keepsHistory = true
    let otherStream = other.open("s")
    let stream = world.open("s")
    for _ in 0..<10 {
      _ = other.send(otherStream, byteCount: 900)
      other.run(limit: .milliseconds(100))
      _ = world.send(stream, byteCount: 900)
      world.run(limit: .milliseconds(100))
    }
    let earlier = world.link.history
    // Another session of the same pair.
    world.restartCollector()
    world.run(limit: .seconds(100)) { $0.connectionCount == 2 }
    let later = world.link.history.count
    var spliceCount = 0
    for round in 0..<10 {
      _ = world.send(stream, byteCount: 900)
      world.run(limit: .milliseconds(100))
      for flight in earlier + other.link.history { world.arrive(flight) }
      guard round == 5 else { continue }
      for ours in world.link.history[later...] {
        for theirs in earlier + other.link.history where theirs.bytes.count > FrameHeader.byteCount + 8 {
          // Our header and theirs behind it; theirs and our packet number and body behind it.
          for cut in [FrameHeader.byteCount, FrameHeader.byteCount + 8] {
            for (head, body) in [(ours, theirs), (theirs, ours)] where body.bytes.count > cut {
              var spliced = head
              spliced.bytes = Array(head.bytes[..<cut] + body.bytes[cut...])
              let payload = UInt32(
                spliced.bytes.count - FrameHeader.byteCount - (FrameType(rawValue: head.bytes[1]).isHandshake ? 4 : 0))
              for index in 0..<4 { spliced.bytes[18 + index] = UInt8(truncatingIfNeeded: payload >> UInt32(8 * index)) }
              spliced.bytes = Checksums.mended(spliced.bytes)
              if spliced.bytes == ours.bytes || spliced.bytes == theirs.bytes { continue }
              world.arrive(spliced)
              spliceCount += 1
            }
          }
        }
      }
    }
    world.run(limit: .seconds(30)) { $0.isRelieved }
    #expect(spliceCount > 1000)
    #expect(world.connectionCount == 2 && world.collector.sessionCount == 1)
    #expect(world.holdsExactly(0, stream: stream, count: 20) { _ in 900 })
  }

  @Test("every datagram cut at every byte does nothing, whoever gets it")
  func truncation() throws {
    let attacked = Interception(try World(seed: 5))
    let world = attacked.world
    let stream = world.open("s")
    var cutCount = 0
    var kinds: Set<UInt8> = []
    var genuine = attacked.sent()
    for round in 0..<12 {
      if round == 5 { _ = world.send(stream, byteCount: 200) }
      for flight in genuine {
        let before = (
          world.collector.sessionCount, world.device.isConnected, world.recorded.first?.numbers.count,
          world.device.statistics?.packetsReceived
        )
        kinds.insert(flight.bytes[1])
        for count in 0..<flight.bytes.count {
          for mends in [false, true] {
            var cut = flight
            cut.bytes.removeLast(cut.bytes.count - count)
            if mends, count >= FrameHeader.byteCount + 4 {
              let payload = count - FrameHeader.byteCount - (FrameType(rawValue: cut.bytes[1]).isHandshake ? 4 : 0)
              for index in 0..<4 { cut.bytes[18 + index] = UInt8(truncatingIfNeeded: payload >> (8 * index)) }
              cut.bytes = Checksums.mended(cut.bytes)
            }
            world.arrive(cut)
            cut.toCollector.toggle()
            world.arrive(cut)
            cutCount += 2
          }
        }
        let after = (
          world.collector.sessionCount, world.device.isConnected, world.recorded.first?.numbers.count,
          world.device.statistics?.packetsReceived
        )
        #expect(before == after, "a cut datagram of type \(flight.bytes[1]) was taken")
        world.arrive(flight)
      }
      world.run(limit: .milliseconds(40))
      genuine = attacked.sent()
    }
    #expect(kinds.isSuperset(of: [1, 2, 3, 4, 0x13, 0x15, 0x20]), "\(kinds)")
    #expect(cutCount > 10_000)
    attacked.release()
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(world.connectionCount == 1)
    #expect(world.holdsExactly(0, stream: stream, count: 1) { _ in 200 })
  }
}
