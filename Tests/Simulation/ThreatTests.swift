import STC
import STTBuffers
import STTIngest
import STTSession
import STTWire
import SimulationWorld
import Testing

/// Attacks on sessions that docs/threats.md lists and no other suite mounts, on both real endpoints.
@Suite struct ThreatTests {
  private static let stranger = PeerAddress(high: 0, low: 0xFFFF_0A00_0666, port: 666)

  /// Two ends in the middle of a session, and the keys of it.
  private func established(_ seed: UInt64 = 5, modes: Set<HandshakeMode> = [.hybrid]) throws -> (World, Int, Established) {
    let world = try World(seed: seed, modes: modes)
    world.link.keepsHistory = true
    let stream = world.open("s")
    _ = world.send(stream, byteCount: 400)
    world.run(limit: .seconds(5)) { $0.isRelieved }
    let session = world.collectorEvents.compactMap { event -> Established? in
      if case .established(_, _, _, let established) = event { established } else { nil }
    }.last
    return (world, stream, try #require(session))
  }

  private func counts(_ world: World) -> [UInt64] {
    [
      UInt64(world.collector.sessionCount), world.device.isConnected ? 1 : 0, UInt64(world.recorded[0].numbers.count),
      UInt64(world.recorded.count), world.device.statistics?.packetsReceived ?? 0, UInt64(world.connectionCount),
      UInt64(world.recorded[0].skipped.count), world.recorded[0].end ?? .max,
    ]
  }

  private func flight(_ world: World, _ bytes: [UInt8], toCollector: Bool, from address: PeerAddress? = nil) throws
    -> Link.Flight
  {
    var flight = try #require(world.link.history.last)
    flight.bytes = bytes
    flight.toCollector = toCollector
    flight.address = address
    return flight
  }

  private func frame(
    _ type: FrameType, _ session: SessionID, stream: UInt16 = 0, flags: FrameFlags = [], _ payload: [UInt8]
  ) -> [UInt8] {
    let header = FrameHeader(
      type: type, flags: flags, session: session, stream: stream, payloadByteCount: payload.count)
    var bytes = [UInt8](repeating: 0, count: FrameHeader.byteCount) + payload
    bytes.withUnsafeMutableBytes { memory in
      if let base = memory.baseAddress { header.write(unsafe: base) }
    }
    return bytes
  }

  @Test("A5: a device sends nothing of its streams before a FINAL that verified", arguments: [HandshakeMode.seed, .hybrid])
  func nothingBeforeFinal(mode: HandshakeMode) throws {
    let world = try World(seed: 8, modes: [mode])
    world.link.keepsHistory = true
    let stream = world.open("s")
    _ = world.send(stream, byteCount: 400)
    var sealedBefore = 0
    world.onSent = { bytes in
      if bytes[1] >= 0x10, !world.device.isConnected { sealedBefore += 1 }
    }
    // Every FINAL is lost for a while.
    world.link.conditions.lossPercent = 100
    for _ in 0..<40 {
      world.run(limit: .milliseconds(100))
      for flight in world.link.history.suffix(4) where flight.bytes[1] != FrameType.final.rawValue { world.arrive(flight) }
    }
    #expect(sealedBefore == 0 && !world.device.isConnected)
    #expect(world.link.history.allSatisfy { FrameType(rawValue: $0.bytes[1]).isHandshake || !$0.toCollector })
    world.link.conditions.lossPercent = 0
    world.run(limit: .seconds(30)) { $0.isRelieved }
    #expect(world.holdsExactly(0, stream: stream, count: 1) { _ in 400 })
  }

  @Test("A6: of what is streamed nothing lies in the clear, in either mode", arguments: [HandshakeMode.seed, .hybrid])
  func nothingInTheClear(mode: HandshakeMode) throws {
    let world = try World(seed: 6, modes: [mode])
    world.link.keepsHistory = true
    let stream = world.open("a-name-to-look-for")
    for _ in 0..<20 { _ = world.send(stream, byteCount: 300) }
    world.run(limit: .seconds(5)) { $0.isRelieved }
    #expect(world.isRelieved)
    let wire = world.link.history.map(\.bytes)
    var sought = (0..<20).map { Array(World.payload(stream: stream, number: $0, byteCount: 300)[100..<108]) }
    sought.append(Array("a-name-to-look-for".utf8.prefix(8)))
    for needle in sought {
      let isFound = wire.contains { bytes in
        bytes.indices.dropLast(7).contains { bytes[$0] == needle[0] && bytes[$0..<$0 + 8].elementsEqual(needle) }
      }
      #expect(!isFound)
    }
    let sealed = wire.filter { $0[1] >= 0x10 }
    #expect(Set(sealed).count == sealed.count)
  }

  @Test("B1: frames in the clear, whatever their flags say, are not taken in a session")
  func strippedEncryption() throws {
    let (world, _, session) = try established()
    let before = counts(world)
    let sent = world.link.history.filter { $0.bytes[1] >= 0x10 }
    for flags in [FrameFlags(), .encrypted] {
      for type in [FrameType.data, .bundle, .sessionClose, .streamOpen] {
        for message in 1..<4 as Range<UInt64> {
          // As a part of the stream would lie: number and bytes, with a packet number before and a tag behind, or without.
          let body = (0..<8).map { UInt8(truncatingIfNeeded: message >> UInt64(8 * $0)) } + [UInt8](repeating: 7, count: 40)
          for payload in [body, [UInt8](repeating: 0, count: 8) + body + [UInt8](repeating: 0, count: 16)] {
            for toCollector in [true, false] {
              world.arrive(
                try flight(world, frame(type, session.session, stream: 1, flags: flags, payload), toCollector: toCollector))
            }
          }
        }
      }
    }
    // Genuine ones whose flag is taken away.
    for var copy in sent {
      copy.bytes[2] &= 0xFD
      copy.bytes = Checksums.mended(copy.bytes)
      world.arrive(copy)
    }
    #expect(counts(world) == before)
  }

  @Test("B2, B4: forged frames of every type, with right checksums and wrong ones: no effect and no answer")
  func forgedFrames() throws {
    let (world, stream, session) = try established()
    world.run(limit: .seconds(3))
    let before = counts(world)
    let quiet = world.link.datagramCount
    var random = SplitMix(seed: 4)
    var forgedCount = 0
    for raw in 0...255 as ClosedRange<UInt8> where FrameType(rawValue: raw).isSession {
      for length in [24, 32, 48, 72, 200] {
        for mends in [true, false] {
          for toCollector in [true, false] {
            let payload = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            // A packet number the replay window would let through.
            var bytes = frame(FrameType(rawValue: raw), session.session, stream: 1, [0, 0, 0, 0, 1, 0, 0, 0] + payload)
            if !mends { bytes[22] ^= 1 }
            world.arrive(try flight(world, bytes, toCollector: toCollector))
            forgedCount += 1
          }
        }
      }
    }
    #expect(forgedCount > 4000)
    #expect(counts(world) == before)
    world.run(limit: 1)
    #expect(world.link.datagramCount == quiet, "a forged frame was answered")
    _ = world.send(stream, byteCount: 400)
    world.run(limit: .seconds(5)) { $0.isRelieved }
    #expect(world.holdsExactly(0, stream: stream, count: 2) { _ in 400 })
    #expect(world.connectionCount == 1)
  }

  /// The device's end of a session in the hands of somebody who keeps to nothing.
  private struct HostileDevice: ~Copyable {
    private var sealer: PacketSealer<InPlaceEngine>
    private let session: SessionID

    init(_ established: Established) {
      sealer = PacketSealer(established.keys.initiatorToResponder, suite: established.suite)
      session = established.session
      // Numbers the honest device has not used.
      _ = sealer.skip(to: 1 << 40)
    }

    mutating func seal(_ type: FrameType, stream: UInt16, flags: FrameFlags = [], _ plaintext: [UInt8]) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: SealedDatagram.overheadByteCount + plaintext.count)
      let header = FrameHeader(
        type: type, flags: flags, session: session, stream: stream, payloadByteCount: bytes.count - FrameHeader.byteCount)
      bytes.withUnsafeMutableBytes { memory in
        plaintext.withUnsafeBytes { _ = sealer.seal(unsafe: memory, header: header, prefix: 0, body: $0) }
      }
      return bytes
    }
  }

  private func open(_ number: UInt64, largest: UInt32) -> [UInt8] {
    let open = StreamOpen(
      largestMessage: largest, delivery: .reliable, durability: .periodic, priority: 0,
      uid: StreamUID(high: number, low: 1), incarnation: 1, firstMessage: 0, name: "n\(number)", schemaEncoding: "",
      schemaName: "", schemaData: [], purpose: "main")
    let bytes = open.bytes
    return ByteWriter.array(capacity: 600) { writer in
      writer.u32(UInt32(bytes.count))
      writer.u32(0)
      writer.bytes(bytes)
    }
  }

  @Test("B7: a device that has the keys and opens everything, finishes nothing and leaves every gap stays in its bounds")
  func hostileDevice() throws {
    let (world, _, session) = try established()
    var hostile = HostileDevice(session)
    let window = world.settings.sessionWindow
    var most = 0
    var streams = 0
    func send(_ bytes: [UInt8]) throws {
      world.arrive(try flight(world, bytes, toCollector: true))
      for footprint in world.collector.footprints {
        most = max(most, footprint.heldByteCount)
        streams = max(streams, footprint.incomingStreamCount)
      }
    }
    // 255 more streams of 16 MiB messages; beginnings of messages by the thousand, each one byte long so far.
    for index in 1..<256 as Range<UInt64> {
      try send(hostile.seal(.streamOpen, stream: UInt16(index * 2 + 1), open(index, largest: 16 << 20)))
    }
    for round in 0..<40 as Range<UInt64> {
      for index in 1..<256 as Range<UInt64> {
        let part = ByteWriter.array(capacity: 32) { writer in
          writer.u64(round * 100)
          writer.u32(16 << 20)
          writer.u32(UInt32(round) * 1000)
          writer.u8(1)
        }
        try send(hostile.seal(.data, stream: UInt16(index * 2 + 1), part))
      }
      world.run(limit: .milliseconds(1))
    }
    // Every second of ten thousand messages, so that each leaves a gap.
    for number in 1..<10_000 as Range<UInt64> {
      let whole = ByteWriter.array(capacity: 64) { writer in
        writer.u64(number * 2)
        writer.zeros(17)
      }
      try send(hostile.seal(.data, stream: 3, flags: [.messageBegin, .messageEnd], whole))
    }
    #expect(streams == 256)
    #expect(most <= window + 256 * 17 << 20)
    #expect(world.sink.pool.outstanding <= 16_384 + 512 + 4)
    #expect(world.collector.sessionCount == 1)
    // One stream too many ends the session, and all it held goes home.
    try send(hostile.seal(.streamOpen, stream: 2001, open(1000, largest: 1)))
    world.run(limit: .seconds(2))
    #expect(world.collectorEvents.contains { if case .ended(_, _, .violation, _) = $0 { true } else { false } })
    world.closeDevice()
    world.run(limit: .seconds(60))
    #expect(world.collector.sessionCount == 0 && world.sink.pool.outstanding == 0)
  }

  @Test("B8: to addresses that proved nothing go no more bytes than come from them, whatever they send")
  func noAmplification() throws {
    for seed in 0..<6 as Range<UInt64> {
      let world = try World(seed: seed, provesAddresses: seed % 2 == 1)
      world.link.keepsHistory = true
      var sent: [PeerAddress: Int] = [:]
      var received: [PeerAddress: Int] = [:]
      var handshakes = 0
      world.onOutgoing = { outgoing in
        guard outgoing.address != world.deviceAddress else { return }
        received[outgoing.address, default: 0] += outgoing.byteCount
        // Challenges of a session's new path are the one thing that may be three times as much (2.14).
        #expect(received[outgoing.address, default: 0] <= 3 * sent[outgoing.address, default: 0])
      }
      let stream = world.open("s")
      var random = SplitMix(seed: seed)
      for _ in 0..<30 {
        _ = world.send(stream, byteCount: 900)
        world.run(limit: .milliseconds(30))
        for _ in 0..<60 {
          var flight = world.link.history[random.index(below: world.link.history.count)]
          let isHandshake = FrameType(rawValue: flight.bytes[1]).isHandshake
          let address = PeerAddress(
            high: 0, low: 0xFFFF_0B00_0000 + UInt64(random.index(below: 40)), port: isHandshake ? 1 : 2)
          if random.chance(percent: 30) {
            flight.bytes[random.index(below: flight.bytes.count)] ^= 1 << UInt8(random.index(below: 8))
          }
          if random.chance(percent: 20) { flight.bytes = Checksums.mended(flight.bytes) }
          flight.toCollector = true
          flight.address = address
          sent[address, default: 0] += flight.bytes.count
          world.arrive(flight)
          handshakes += isHandshake ? 1 : 0
          world.drain()
          if address.port == 1 { #expect(received[address, default: 0] <= sent[address, default: 0]) }
        }
      }
      #expect(handshakes > 100)
      #expect(received.values.reduce(0, +) > 0, "nothing was answered: nothing was shown")
    }
  }

  @Test("B9: a session's datagrams, again from another address, move nothing")
  func replayFromElsewhere() throws {
    let (world, stream, _) = try established()
    var toStranger = 0
    world.onOutgoing = { if $0.address == Self.stranger { toStranger += $0.byteCount } }
    for _ in 0..<10 {
      _ = world.send(stream, byteCount: 700)
      world.run(limit: .milliseconds(100))
      // What is still on its way is no replay.
      for flight in world.link.history
      where flight.toCollector && flight.bytes[1] >= 0x10 && flight.arrival + .milliseconds(50) < world.now {
        var again = flight
        again.address = Self.stranger
        world.arrive(again)
      }
      world.drain()
    }
    world.run(limit: .seconds(5)) { $0.isRelieved }
    #expect(toStranger == 0)
    #expect(!world.collectorEvents.contains { if case .moved = $0 { true } else { false } })
    #expect(world.connectionCount == 1)
  }

  @Test("A10: a collector that lost its sessions, not its counters, takes nothing of what was ever sent to it")
  func everythingToARestartedCollector() throws {
    let (world, stream, _) = try established(14)
    let old = world.link.history
    world.link.conditions.lossPercent = 100
    world.restartCollector()
    for flight in old { world.arrive(flight) }
    #expect(world.collector.sessionCount == 0)
    world.link.conditions.lossPercent = 0
    world.run(limit: .seconds(120)) { $0.connectionCount == 2 }
    for flight in old { world.arrive(flight) }
    _ = world.send(stream, byteCount: 400)
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(world.collector.sessionCount == 1 && world.connectionCount == 2)
    #expect(world.violations.isEmpty)
  }
}
