import SimulationWorld
import STTIngest
import STTSession
import STTWire
import Testing

@Suite struct RoamingTests {
  private static func address(_ host: UInt64, _ port: UInt16) -> PeerAddress {
    PeerAddress(high: 0, low: 0xFFFF_0A00_0000 + host, port: port)
  }

  private func moves(_ world: World) -> [PeerAddress] {
    world.collectorEvents.compactMap { if case .moved(_, _, _, let to) = $0 { to } else { nil } }
  }

  @Test("a NAT that rebinds again and again costs no session and no message", arguments: 0..<8)
  func survivesRebinding(seed: Int) throws {
    let world = try World(
      seed: UInt64(seed), conditions: LinkConditions(lossPercent: 2, jitter: .milliseconds(10), delay: .milliseconds(30)))
    let stream = world.open("s")
    for round in 0..<100 {
      if round % 20 == 19 { world.deviceAddress = Self.address(1, UInt16(40_000 + round)) }
      _ = world.send(stream, byteCount: 2000)
      world.run(limit: .milliseconds(300))
    }
    world.run(limit: .seconds(60)) { $0.isRelieved }
    #expect(world.isRelieved)
    #expect(world.connectionCount == 1)
    #expect(moves(world).map(\.port) == [40_019, 40_039, 40_059, 40_079, 40_099])
    #expect(world.holdsExactly(0, stream: stream, count: 100) { _ in 2000 })
  }

  @Test("a device that knows it moved goes on at once, under another name and with numbers far away", arguments: 0..<4)
  func takesAnotherName(seed: Int) throws {
    let world = try World(seed: UInt64(seed), conditions: LinkConditions(delay: .milliseconds(20)))
    world.link.keepsHistory = true
    let stream = world.open("s")
    world.run(limit: .seconds(5)) { $0.device.isConnected }
    var names: [Set<UInt64>] = []
    for host in 1...5 as ClosedRange<UInt64> {
      let sent = world.link.history.count
      for _ in 0..<10 {
        _ = world.send(stream, byteCount: 3000)
        world.run(limit: .milliseconds(100))
      }
      // What has left before the move is on the old network.
      world.run(limit: .seconds(2))
      let headers = world.link.history[sent...].compactMap { try? FrameHeader(datagram: $0.bytes.span.bytes) }
      names.append(Set(headers.filter { $0.type.isSession }.map(\.session.rawValue)))
      world.deviceAddress = Self.address(host + 1, 5000)
      world.device.moved(now: world.now, using: &world.random)
    }
    world.run(limit: .seconds(30)) { $0.isRelieved }
    #expect(world.isRelieved)
    #expect(world.connectionCount == 1)
    #expect(world.holdsExactly(0, stream: stream, count: 50) { _ in 3000 })
    // No name is seen on two networks.
    #expect(names.allSatisfy { $0.count == 1 })
    #expect(Set(names.flatMap { $0 }).count == 5)
  }

  @Test("two moves before the collector heard of the first cost no session")
  func movesTwiceUnheard() throws {
    let world = try World(seed: 9, conditions: LinkConditions(delay: .milliseconds(20)))
    let stream = world.open("s")
    world.run(limit: .seconds(5)) { $0.device.isConnected }
    world.run(limit: .seconds(1))
    world.link.conditions.lossPercent = 100
    for host in 2...4 as ClosedRange<UInt64> {
      world.deviceAddress = Self.address(host, 5000)
      world.device.moved(now: world.now, using: &world.random)
      _ = world.send(stream, byteCount: 100)
      world.run(limit: .seconds(2))
    }
    world.link.conditions.lossPercent = 0
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(world.isRelieved)
    #expect(world.connectionCount == 1)
  }

  @Test("an address that only forwards to us gets no data, and the session stays where it is")
  func forwarderGetsNothing() throws {
    let world = try World(seed: 3, conditions: LinkConditions(delay: .milliseconds(20)))
    let stream = world.open("s")
    world.run(limit: .seconds(5)) { $0.device.isConnected }
    let forwarder = Self.address(66, 666)
    var toForwarder = 0
    world.onOutgoing = { if $0.address == forwarder { toForwarder += $0.byteCount } }
    var fromForwarder = 0
    for _ in 0..<50 {
      _ = world.send(stream, byteCount: 500)
      // The forwarder is faster than the path, and swallows nothing.
      world.onSent = { bytes in
        fromForwarder += bytes.count
        world.link.inject(bytes, toCollector: true, from: forwarder, arrival: world.now + .milliseconds(5))
      }
      world.run(limit: .milliseconds(200))
    }
    world.onSent = nil
    world.run(limit: .seconds(20)) { $0.isRelieved }
    #expect(world.isRelieved)
    #expect(fromForwarder > 10_000)
    #expect(moves(world).isEmpty)
    #expect(toForwarder > 0 && toForwarder <= fromForwarder * 3)
    #expect(world.holdsExactly(0, stream: stream, count: 50) { _ in 500 })
  }
}
