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

  /// What two ends agree on, and whether the device must prove its address (RETRY) and its identity.
  struct Variant: CustomTestStringConvertible, Sendable {
    var mode: HandshakeMode
    var suite: STC.Suite
    var retries = false
    var identity = false

    static let all: [Variant] = [
      Variant(mode: .seed, suite: .chaCha20Poly1305), Variant(mode: .seed, suite: .aes256GCM, retries: true),
      Variant(mode: .hybrid, suite: .chaCha20Poly1305, retries: true, identity: true),
      Variant(mode: .hybrid, suite: .aes256GCM),
    ]

    var testDescription: String {
      "\(mode) \(suite)\(retries ? ", RETRY" : "")\(identity ? ", identity" : "")"
    }

    func world(seed: UInt64) throws -> World {
      let key = identity ? IdentityKey(ed25519: (0..<32).map { $0 &* 5 &+ 1 }, mlDSA65: (0..<32).map { $0 &* 3 &+ 2 }) : nil
      return try World(seed: seed, modes: [mode], suites: [suite], identity: key, provesAddresses: retries)
    }
  }

  @Test(
    "every bit of every handshake message changed on its way: no session, and the genuine messages still make one",
    arguments: Variant.all)
  func handshakeFlips(variant: Variant) throws {
    let mode = variant.mode
    let attacked = Interception(try variant.world(seed: 3))
    let world = attacked.world
    let stream = world.open("s")
    var flipCount = 0
    var genuine = attacked.sent()
    // HELLO, with RETRY and HELLO again between, RESPONSE, AUTH_PROOF, FINAL.
    let extra = variant.retries ? 2 : 0
    for message in 0..<4 + extra {
      #expect(genuine.count == (message == 2 + extra && mode == .hybrid ? 2 : 1), "message \(message)")
      for flight in genuine {
        let isRetry = Self.isRetry(flight)
        for bit in Self.bits(of: flight.bytes) where !isRetry || !Self.tokenBits.contains(bit) {
          var altered = flight
          altered.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
          altered.bytes = Checksums.mended(altered.bytes)
          world.arrive(altered)
          flipCount += 1
        }
        let isConnected = world.device.isConnected
        #expect(!isConnected && world.collector.sessionCount == (message == 3 + extra ? 1 : 0))
        #expect(attacked.sent().allSatisfy(Self.isRetry), "a stranger's HELLO gets RETRY at most")
        world.arrive(flight)
      }
      genuine = attacked.sent()
    }
    #expect(flipCount > (mode == .hybrid ? 30_000 : 9_000))
    print("\(flipCount) changed handshake messages (\(variant)): 0 accepted")
    attacked.release()
    _ = world.send(stream, byteCount: 100)
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(world.connectionCount == 1 && world.collector.sessionCount == 1)
    #expect(world.holdsExactly(0, stream: stream, count: 1) { _ in 100 })
    #expect(world.violations.isEmpty)
  }

  /// Of RETRY, which nothing authenticates: a changed token makes a HELLO that is asked again.
  private static let tokenBits = (FrameHeader.byteCount + 32) * 8..<(FrameHeader.byteCount + 64) * 8

  @Test("every bit of RETRY's token changed: no session and no RESPONSE, and the device connects once they stop")
  func tokenFlips() throws {
    let attacked = Interception(try World(seed: 4, provesAddresses: true))
    let world = attacked.world
    for hello in attacked.sent() { world.arrive(hello) }
    let retries = attacked.sent()
    #expect(retries.count == 1 && retries.allSatisfy(Self.isRetry))
    for flight in retries {
      for bit in Self.tokenBits {
        var altered = flight
        altered.bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        altered.bytes = Checksums.mended(altered.bytes)
        world.arrive(altered)
        for hello in attacked.sent() { world.arrive(hello) }
        #expect(attacked.sent().allSatisfy { Self.isRetry($0) || $0.toCollector })
      }
    }
    #expect(world.collector.sessionCount == 0 && world.collector.handshakes.responses == 0)
    attacked.release()
    world.run(limit: .seconds(60)) { $0.device.isConnected }
    #expect(world.connectionCount == 1 && world.violations.isEmpty)
  }

  @Test("every bit of sampled session frames changed: none is taken, and the genuine ones are", arguments: Variant.all)
  func sessionFlips(variant: Variant) throws {
    let world = try variant.world(seed: 1)
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
    print("\(flipCount) changed session frames (\(variant)): 0 accepted")
    attacked.release()
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(world.connectionCount == 1)
    #expect(world.holdsExactly(0, stream: stream, count: 4) { 30 + 20 * Int($0) })
  }

  @Test(
    "every datagram ever sent, again to both ends, in order and against it, from here and elsewhere: nothing happens",
    arguments: Variant.all)
  func everythingAgain(variant: Variant) throws {
    let world = try variant.world(seed: 21)
    world.link.keepsHistory = true
    world.wire = WireOracle()
    let stream = world.open("s")
    var replayCount = 0
    for session in 1...3 {
      for _ in 0..<10 {
        _ = world.send(stream, byteCount: 1500)
        world.run(limit: .milliseconds(50))
      }
      world.run(limit: .seconds(100)) { $0.connectionCount == session && $0.isRelieved }
      world.run(limit: .seconds(1))
      // What is still on its way is no replay.
      let history = world.link.history.filter { $0.arrival + .milliseconds(500) < world.now }
      let before = state(world)
      for replayed in [history, history.reversed()] {
        for flight in replayed {
          for toCollector in [true, false] {
            for address in [nil, PeerAddress(high: 0, low: 0xFFFF_0A00_0777, port: 777)] {
              var again = flight
              again.toCollector = toCollector
              again.address = address
              world.arrive(again)
              replayCount += 1
            }
          }
        }
      }
      #expect(state(world) == before)
      if session < 3 { world.restartCollector() }
    }
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(world.connectionCount == 3 && world.collector.sessionCount == 1)
    #expect(world.holdsExactly(0, stream: stream, count: 30) { _ in 1500 })
    #expect(world.violations.isEmpty, "\(world.violations)")
    print("\(replayCount) replayed datagrams (\(variant)): 0 accepted")
  }

  /// What a replay could change.
  private func state(_ world: World) -> [UInt64] {
    [
      UInt64(world.collector.sessionCount), world.device.isConnected ? 1 : 0, world.acceptedCounters[1] ?? 0,
      UInt64(world.recorded.first?.numbers.count ?? 0), world.device.statistics?.packetsReceived ?? 0,
      UInt64(world.connectionCount),
    ]
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
