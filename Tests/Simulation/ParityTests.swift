import STTIngest
import STTSession
import STTWire
import SimulationWorld
import Testing

/// Forward error correction of streams (docs/protocol.md 2.15).
@Suite struct ParityTests {
  private static func shape(_ data: Int, _ parity: Int) throws -> ParityShape {
    try #require(ParityShape(dataCount: data, parityCount: parity))
  }

  @Test(
    "PARTIAL: at 5 % loss 99.5 % of messages arrive within 200 ms, also where no repetition could",
    arguments: [50, 150] as [UInt64], [1, 2] as [UInt64])
  func arrivesInTime(roundTripMilliseconds: UInt64, seed: UInt64) throws {
    var timeliness = Timeliness(parity: .always(try Self.shape(12, 4)))
    timeliness.roundTrip = .milliseconds(roundTripMilliseconds)
    timeliness.seed = seed
    let result = try timeliness.measure()
    #expect(result.inTime >= 0.995, "\(result)")
  }

  @Test("PARTIAL: without parity a round trip of 150 ms loses what the link loses, and what waits behind it")
  func withoutParityItIsLate() throws {
    var timeliness = Timeliness(parity: .none)
    timeliness.roundTrip = .milliseconds(150)
    let result = try timeliness.measure()
    #expect(result.inTime < 0.9, "\(result)")
    #expect(result.parity == 0)
  }

  @Test("PARTIAL: losses of a few packets in a row are made up for as well", arguments: [1, 2] as [UInt64])
  func bursts(seed: UInt64) throws {
    func share(_ parity: Parity) throws -> Double {
      var timeliness = Timeliness(parity: parity)
      timeliness.roundTrip = .milliseconds(150)
      timeliness.seed = seed
      timeliness.lossPercent = 0
      timeliness.bursts = .init(beginPercent: 1, endPercent: 60, lossPercent: 100)
      return try timeliness.measure().inTime
    }
    let (with, without) = (try share(.always(Self.shape(16, 6))), try share(.none))
    #expect(with > 0.98, "\(with)")
    #expect(without < 0.9, "\(without)")
  }

  @Test("parity begins by itself when repeating can't help, and ends when the cause is gone")
  func automatic() throws {
    let world = try World(seed: 6, conditions: LinkConditions(delay: .milliseconds(75)))
    let stream = world.open(
      "video", delivery: .partial, durable: false, deadlineMilliseconds: 200, parity: .automatic(try Self.shape(12, 4)))
    world.run(limit: .seconds(5)) { $0.device.isConnected }
    func parity(over seconds: Int) -> UInt64 {
      let before = world.device.statistics?.paritySent ?? 0
      for _ in 0..<seconds * 100 {
        _ = world.send(stream, byteCount: 3000)
        world.run(limit: .milliseconds(10))
      }
      return (world.device.statistics?.paritySent ?? 0) - before
    }
    #expect(parity(over: 5) == 0, "nothing gets lost")
    world.link.conditions.lossPercent = 5
    _ = parity(over: 5)
    #expect(parity(over: 5) > 300, "losses, and no time to repeat")
    world.link.conditions.delay = .milliseconds(10)
    _ = parity(over: 5)
    #expect(parity(over: 5) == 0, "there is time to repeat")
    world.link.conditions.delay = .milliseconds(75)
    // The shortest round trip of the path is ten seconds old before the sender believes that it is longer now.
    _ = parity(over: 20)
    #expect(parity(over: 5) > 300)
    world.link.conditions.lossPercent = 0
    _ = parity(over: 5)
    #expect(parity(over: 5) == 0, "nothing gets lost any more")
  }

  /// Two messages of two packets each, of which the second one's first packets are lost.
  private func afterLoss(losing count: Int, parity: Parity, roundTrip: UInt64) throws -> World {
    let world = try World(seed: 8, conditions: LinkConditions(delay: roundTrip / 2))
    let stream = world.open("s", delivery: .reliable, durable: false, parity: parity)
    world.run(limit: .seconds(10)) { $0.device.isConnected }
    world.run(limit: .seconds(3))
    _ = world.send(stream, byteCount: 2000)
    world.run(limit: .seconds(3)) { $0.isRelieved }
    var left = count
    world.onSent = { bytes in
      let header = try? FrameHeader(datagram: bytes.span.bytes)
      world.link.conditions.lossPercent = header?.type == .data && left > 0 ? 100 : 0
      if header?.type == .data, left > 0 { left -= 1 }
    }
    _ = world.send(stream, byteCount: 2000)
    world.run(limit: .seconds(10)) { $0.isRelieved }
    world.onSent = nil
    #expect(left == 0 && world.isRelieved)
    #expect(world.holdsExactly(0, stream: stream, count: 2) { _ in 2000 })
    return world
  }

  /// Frames made from parity in sessions that ended.
  private static func recovered(_ world: World) -> Int {
    world.collectorEvents.reduce(0) { sum, event in
      if case .ended(_, _, _, let statistics) = event { sum + Int(statistics.framesRecovered) } else { sum }
    }
  }

  @Test("what is lost comes from parity a fraction of a round trip later, and is not asked for")
  func noRoundTrip() throws {
    let roundTrip = UInt64.milliseconds(400)
    let plain = try afterLoss(losing: 1, parity: .none, roundTrip: roundTrip)
    #expect(plain.recorded[0].delays[1] > roundTrip)
    // The parity of two packets is two packets.
    for lost in 1...2 {
      let world = try afterLoss(losing: lost, parity: .always(try Self.shape(8, 3)), roundTrip: roundTrip)
      #expect(world.recorded[0].delays[1] < roundTrip, "half for the way and a quarter of waiting")
      world.closeDevice()
      world.run(limit: .seconds(5))
      #expect(Self.recovered(world) == lost)
    }
  }

  @Test("a packet that arrives after its content was made from parity changes nothing", arguments: 0..<4 as Range<UInt8>)
  func lateIsDuplicate(delivery: UInt8) throws {
    let delivery = try #require(DeliveryClass(rawValue: delivery))
    let world = try World(seed: 8, conditions: LinkConditions(delay: .milliseconds(50)))
    let stream = world.open(
      "s", delivery: delivery, durable: false, deadlineMilliseconds: delivery == .partial ? 5000 : 0,
      parity: .always(try Self.shape(4, 2)))
    world.run(limit: .seconds(10)) { $0.device.isConnected }
    world.run(limit: .seconds(3))
    var held: [[UInt8]] = []
    for round in 0..<40 {
      world.onSent = { bytes in
        let isData = (try? FrameHeader(datagram: bytes.span.bytes))?.type == .data
        let isHeld = isData && round % 4 == 0
        world.link.conditions.lossPercent = isHeld ? 100 : 0
        guard isHeld else { return }
        held.append(bytes)
        world.onSent = nil
      }
      _ = world.send(stream, byteCount: 600)
      world.run(limit: .milliseconds(5))
      world.link.conditions.lossPercent = 0
      if round % 8 == 7 {
        world.run(limit: .milliseconds(60))
        for bytes in held {
          world.link.inject(bytes, toCollector: true, from: world.deviceAddress, arrival: world.now + 1)
        }
        held = []
      }
    }
    world.onSent = nil
    world.run(limit: .seconds(10)) { $0.isRelieved }
    world.run(limit: .seconds(1))
    #expect(world.isRelieved)
    world.closeDevice()
    world.run(limit: .seconds(1))
    #expect(Self.recovered(world) >= 5)
    let recorded = world.recorded[0]
    #expect(recorded.skipped.isEmpty)
    #expect(Set(recorded.numbers).count == recorded.numbers.count, "nothing twice")
    for (number, payload) in zip(recorded.numbers, recorded.payloads) {
      #expect(payload == World.payload(stream: stream, number: number, byteCount: 600))
    }
    switch delivery {
    case .latest: #expect(recorded.numbers == recorded.numbers.sorted() && recorded.numbers.last == 39)
    case .unreliable: #expect(Set(recorded.numbers) == Set(0..<40))
    case .reliable, .partial: #expect(recorded.numbers == Array(0..<40))
    }
  }

  @Test("streams with parity arrive once, unaltered and in order, whatever the link does", arguments: 0..<8 as Range<UInt64>)
  func nothingTwiceOrAltered(seed: UInt64) throws {
    var conditions = LinkConditions(
      lossPercent: 8, duplicatePercent: 10, jitter: .milliseconds(30), delay: .milliseconds(30), corruptPercent: 2)
    conditions.bursts = .init(beginPercent: 1, endPercent: 30, lossPercent: 80)
    let world = try World(seed: seed, conditions: conditions, settings: .init(largestDatagramByteCount: 9000))
    let shape = try Self.shape(2 + Int(seed) * 4, 1 + Int(seed) % 3 % 2 + Int(seed) / 4)
    let padded = world.open("padded", durable: false, padding: .buckets, parity: .always(shape))
    let plain = world.open("plain", durable: seed.isMultiple(of: 2), parity: .always(shape))
    func size(_ number: UInt64) -> Int { [0, 40, 1115, 1116, 5000, 30_000][Int(number) % 6] }
    world.run(limit: .seconds(20)) { $0.device.isConnected }
    for number in 0..<120 as Range<UInt64> {
      _ = world.send(padded, byteCount: size(number))
      _ = world.send(plain, byteCount: size(number))
      world.run(limit: .milliseconds(20))
      if number == 60 { world.device.moved(now: world.now, using: &world.random) }
    }
    world.run(limit: .seconds(120)) { $0.isRelieved }
    #expect(world.isRelieved)
    #expect(world.connectionCount == 1)
    for (name, stream) in [("padded", padded), ("plain", plain)] {
      let token = try #require(world.recorded.firstIndex { $0.open.name == name })
      #expect(world.holdsExactly(token, stream: stream, count: 120, byteCount: size), "\(name)")
    }
  }

  @Test("a stream beyond the memory there is for parity is taken without it")
  func memoryIsBounded() throws {
    let settings = Session.Settings(parityByteCount: 200_000)
    let world = try World(seed: 3, conditions: LinkConditions(lossPercent: 3), settings: settings)
    let streams = try (0..<12).map { world.open("s\($0)", durable: false, parity: .always(try Self.shape(16, 3))) }
    world.run(limit: .seconds(20)) { $0.device.isConnected }
    var most = 0
    for _ in 0..<50 {
      for stream in streams { _ = world.send(stream, byteCount: 2500) }
      world.run(limit: .milliseconds(50))
      most = max(most, world.collector.footprints.first?.parityByteCount ?? 0)
    }
    world.run(limit: .seconds(60)) { $0.isRelieved }
    #expect(world.isRelieved)
    #expect(most > 100_000 && most <= 200_000, "\(most)")
    for stream in streams { #expect(world.recorded.contains { $0.open.name == "s\(stream)" && $0.numbers.count == 50 }) }
  }

  @Test("parity of a padded stream is padded as well")
  func parityIsPadded() throws {
    let world = try World(seed: 5)
    let stream = world.open("s", durable: false, padding: .buckets, parity: .always(try Self.shape(4, 2)))
    world.run(limit: .seconds(5)) { $0.device.isConnected }
    world.run(limit: .seconds(1))
    var seen: [(type: FrameType, byteCount: Int)] = []
    world.onSent = { bytes in
      guard bytes.count > 150, let header = try? FrameHeader(datagram: bytes.span.bytes) else { return }
      seen.append((header.type, bytes.count))
    }
    for round in 0..<40 {
      _ = world.send(stream, byteCount: 200 + round * 31)
      world.run(limit: .milliseconds(100))
    }
    world.onSent = nil
    #expect(world.device.statistics?.paritySent ?? 0 >= 40)
    #expect(seen.count > 80)
    #expect(seen.allSatisfy { $0.type == .bundle && ($0.byteCount % 64 == 0 || $0.byteCount == 1200) })
  }

  @Test("a stream of constant rate is refused parity; a stream without asks for none")
  func refusals() throws {
    let world = try World(seed: 5)
    let shape = try Self.shape(4, 2)
    #expect(world.open("s", padding: .constantRate(interval: .milliseconds(10)), parity: .always(shape)) == -1)
    let plain = world.open("plain", durable: false)
    world.run(limit: .seconds(5)) { $0.device.isConnected }
    for _ in 0..<20 { _ = world.send(plain, byteCount: 3000) }
    world.run(limit: .seconds(5)) { $0.isRelieved }
    #expect(world.device.statistics?.paritySent == 0)
    #expect(world.recorded[0].open.forwardErrorCorrection == nil)
    #expect(world.collector.footprints.map(\.parityByteCount) == [0])
  }
}
