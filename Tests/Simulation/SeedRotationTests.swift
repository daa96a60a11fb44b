import SimulationWorld
import STC
@testable import STTIngest
import STTKeyring
@testable import STTSession
import STTWire
import Testing

/// A change of seeds while a device streams (docs/protocol.md 2.13): the real endpoints, and pair files with the
/// real rules of how seeds follow one another.
@Suite struct SeedRotationTests {
  private static func seed(_ number: UInt8) -> [UInt8] { (0..<32).map { UInt8(($0 * 37 + 11) % 251) ^ number } }

  private func world(
    _ seed: UInt64, _ conditions: LinkConditions = LinkConditions(), modes: Set<HandshakeMode> = [.hybrid],
    identity: Bool = true
  ) throws -> World {
    let world = try World(seed: seed, conditions: conditions, modes: modes)
    let key = identity ? IdentityKey(ed25519: Self.seed(99), mlDSA65: nil) : nil
    world.keepSeeds(try SeedFiles(pair: World.pair(), seed: world.seedBytes, identity: key), asksIdentity: identity)
    return world
  }

  private func states(_ file: PairFile?) -> [String] { file?.epochs.map { "\($0.number) \($0.state.rawValue)" } ?? [] }

  @Test(
    "20 % loss: the new seed is stored, proven and promoted at both ends, and no message is lost or doubled",
    arguments: 0..<12)
  func rotatesUnderLoss(number: Int) throws {
    let world = try world(
      UInt64(number), LinkConditions(lossPercent: 20, jitter: .milliseconds(10), delay: .milliseconds(20)))
    let stream = world.open("s")
    for round in 0..<40 {
      for _ in 0..<10 { _ = world.send(stream, byteCount: 500) }
      world.run(limit: .milliseconds(200))
      if round == 15 {
        world.run(limit: .seconds(120)) { $0.seeds?.proven == [1] }
        try world.rotate(seed: Self.seed(2))
      }
    }
    // A handshake may fall back to the old seed on such a link; the collector then offers again.
    world.run(limit: .seconds(8000)) { $0.isRelieved && $0.seeds?.proven.contains(2) == true && $0.seeds?.device.epoch == 2 }
    #expect(states(world.seeds?.device) == ["2 current", "1 previous"], "seed \(number)")
    #expect(states(world.seeds?.collector) == ["2 current", "1 previous"], "seed \(number)")
    #expect(world.holdsExactly(0, stream: stream, count: 400, byteCount: { _ in 500 }), "seed \(number)")
    #expect(world.violations.isEmpty, "\(world.violations)")
  }

  @Test("on a good link the change costs one handshake, at once")
  func isQuick() throws {
    let world = try world(50)
    let stream = world.open("s")
    world.run(limit: .seconds(5)) { $0.seeds?.proven == [1] }
    try world.rotate(seed: Self.seed(2))
    let begun = world.now
    for _ in 0..<100 { _ = world.send(stream, byteCount: 500) }
    world.run(limit: .seconds(60)) { $0.seeds?.proven == [1, 2] && $0.isRelieved }
    #expect(world.now.since(begun) < .seconds(2))
    #expect(world.connectionCount == 2)
    #expect(world.attemptCount == 2)
    #expect(world.holdsExactly(0, stream: stream, count: 100, byteCount: { _ in 500 }))
  }

  @Test(
    "both orders of a roll-out by hand: whoever has the new file first, the pair connects throughout and ends on the new seed",
    arguments: [true, false], [true, false])
  func rollsOutByHand(deviceFirst: Bool, identity: Bool) throws {
    let world = try world(60, identity: identity)
    let stream = world.open("s")
    _ = world.send(stream, byteCount: 100)
    world.run(limit: .seconds(5)) { $0.isRelieved }
    var file = try #require(world.seeds?.device)
    try file.addNext(try #require(SecretBytes.copy(of: Self.seed(2))), overlapSeconds: 100, madeSeconds: 1)
    if deviceFirst {
      world.replaceDeviceFile(file)
      world.rebootDevice()
    } else {
      world.replaceCollectorFile(file)
      world.restartCollector()
    }
    let again = world.open("s", incarnation: 2)
    _ = world.send(again, byteCount: 100, incarnation: 2)
    // Some sessions under the old seed, half of it.
    world.run(limit: .seconds(100)) { $0.isRelieved }
    #expect(world.isRelieved)
    if deviceFirst { world.replaceCollectorFile(file) } else { world.replaceDeviceFile(file) }
    world.rebootDevice()
    let last = world.open("s", incarnation: 3)
    _ = world.send(last, byteCount: 100, incarnation: 3)
    world.run(limit: .seconds(100)) { $0.isRelieved && $0.seeds?.collector.epoch == 2 }
    #expect(world.isRelieved)
    #expect(states(world.seeds?.device) == ["2 current", "1 previous"])
    #expect(states(world.seeds?.collector) == ["2 current", "1 previous"])
    #expect(world.violations.isEmpty, "\(world.violations)")
  }

  enum Death: CaseIterable {
    case collectorAfterMaking, deviceAfterStoring, bothAfterStoring, deviceAfterPromotion, collectorAfterPromotion
    case bothAfterPromotion
  }

  @Test(
    "power cut at each step: the pair connects again, and ends on the new seed at both ends", arguments: Death.allCases,
    0..<4)
  func diesBetween(death: Death, number: Int) throws {
    let world = try world(UInt64(70 + number), LinkConditions(lossPercent: Double(number * 3)))
    var stream = world.open("s")
    _ = world.send(stream, byteCount: 100)
    world.run(limit: .seconds(60)) { $0.isRelieved && $0.seeds?.proven == [1] }
    var writes = 0
    world.seeds?.onWrite = { [unowned world] atDevice in
      writes += 1
      let isPromotion = (atDevice ? world.seeds?.device : world.seeds?.collector)?.epoch == 2
      let dies: (device: Bool, collector: Bool) =
        switch death {
        case .collectorAfterMaking: (false, !atDevice && !isPromotion)
        case .deviceAfterStoring: (atDevice && !isPromotion, false)
        case .bothAfterStoring: (atDevice && !isPromotion, atDevice && !isPromotion)
        case .deviceAfterPromotion: (atDevice && isPromotion, false)
        case .collectorAfterPromotion: (false, !atDevice && isPromotion)
        case .bothAfterPromotion: (atDevice && isPromotion, atDevice && isPromotion)
        }
      if dies.collector || dies.device { world.seeds?.onWrite = nil }
      if dies.device { world.rebootDevice() }
      if dies.collector { world.rebootCollector() }
    }
    try world.rotate(seed: Self.seed(2))
    world.run(limit: .seconds(300)) { $0.seeds?.onWrite == nil }
    #expect(world.seeds?.onWrite == nil, "nobody died")
    #expect(common(world) > 0, "no seed is left that both have")
    stream = world.open("s", incarnation: 2)
    if stream >= 0 { _ = world.send(stream, byteCount: 100, incarnation: 2) }
    world.run(limit: .seconds(8000)) { $0.isRelieved && $0.seeds?.collector.epoch == 2 && $0.seeds?.device.epoch == 2 }
    #expect(world.isRelieved && world.deviceIsConnected)
    #expect(states(world.seeds?.device) == ["2 current", "1 previous"])
    #expect(states(world.seeds?.collector) == ["2 current", "1 previous"])
    #expect(world.violations.isEmpty, "\(world.violations)")
    #expect(writes >= 1)
  }

  /// How many seeds authenticate at both ends.
  private func common(_ world: World) -> Int {
    let device = world.seeds?.device.live.map(\.number) ?? []
    return world.seeds?.collector.live.count { device.contains($0.number) } ?? 0
  }

  @Test("the other end's disk refuses: the collector is told, and the old seed goes on")
  func deviceCannotStore() throws {
    let world = try world(80)
    _ = world.open("s")
    world.run(limit: .seconds(5)) { $0.seeds?.proven == [1] }
    world.seeds?.deviceDiskFails = true
    try world.rotate(seed: Self.seed(2))
    world.run(limit: .seconds(5))
    let refused = world.collectorEvents.contains {
      if case .seedRefused(0, 2, .notWritten) = $0 { true } else { false }
    }
    #expect(refused)
    #expect(world.connectionCount == 1 && world.deviceIsConnected)
    // Later there is room, and the next session's offer is taken.
    world.seeds?.deviceDiskFails = false
    world.restartCollector()
    world.run(limit: .seconds(200)) { $0.seeds?.device.epoch == 2 && $0.seeds?.collector.epoch == 2 }
    #expect(states(world.seeds?.device) == ["2 current", "1 previous"])
  }

  @Test(
    "every handshake with the new seed is dropped on the path: the device goes on with the old one, and tries the new one ever more rarely"
  )
  func downgradeByDropping() throws {
    let world = try world(81)
    let stream = world.open("s")
    world.run(limit: .seconds(5)) { $0.seeds?.proven == [1] }
    world.loses = { [unowned world] bytes in
      // HELLOs while the device tries epoch 2.
      bytes.count > 1 && bytes[1] == 1 && world.device.nextEpoch == 2
    }
    try world.rotate(seed: Self.seed(2))
    for _ in 0..<120 {
      _ = world.send(stream, byteCount: 100)
      world.run(limit: .seconds(60))
    }
    #expect(states(world.seeds?.device) == ["2 next", "1 current"])
    #expect(states(world.seeds?.collector) == ["2 next", "1 current"])
    #expect((3...12).contains(world.connectionCount), "\(world.connectionCount) sessions in two hours")
    world.loses = nil
    world.run(limit: .seconds(8000)) { $0.seeds?.collector.epoch == 2 }
    #expect(states(world.seeds?.device) == ["2 current", "1 previous"])
    #expect(world.holdsExactly(0, stream: stream, count: 120, byteCount: { _ in 100 }))
  }

  @Test("after the overlap every old-epoch handshake ever sent is refused, and so is a device with the old seed alone")
  func oldEpochIsRefused() throws {
    let world = try world(82)
    var handshakes: [[UInt8]] = []
    world.onSent = { if $0.count > 1, $0[1] <= 4 { handshakes.append($0) } }
    _ = world.open("s")
    world.run(limit: .seconds(5)) { $0.seeds?.proven == [1] }
    let old = try #require(world.seeds?.device)
    try world.rotate(seed: Self.seed(2), overlapSeconds: 1000)
    world.run(limit: .seconds(60)) { $0.seeds?.proven == [1, 2] }
    world.spendOverlap(999)
    #expect(states(world.seeds?.collector) == ["2 current", "1 previous"])
    world.spendOverlap(1)
    #expect(states(world.seeds?.collector) == ["2 current", "1 archive-only"])
    let before = world.collectorEvents.count { if case .established = $0 { true } else { false } }
    for bytes in handshakes { world.link.inject(bytes, toCollector: true, arrival: world.now) }
    world.run(limit: .seconds(1))
    #expect(world.collectorEvents.count { if case .established = $0 { true } else { false } } == before)
    // The old file, from a backup.
    world.replaceDeviceFile(old)
    world.rebootDevice()
    world.run(limit: .seconds(120))
    #expect(!world.deviceIsConnected)
    #expect(world.sessionCount == 0)
    // And the collector's program may start again as often as it likes.
    world.restartCollector()
    world.run(limit: .seconds(120))
    #expect(!world.deviceIsConnected)
  }

  @Test(
    "rotate --now: sessions of the old seed end, it authenticates no more, and the new one does once it is there, whatever the clocks say"
  )
  func replacedAtOnce() throws {
    let world = try world(83)
    _ = world.open("s")
    world.run(limit: .seconds(5)) { $0.seeds?.proven == [1] }
    var file = try #require(world.seeds?.collector)
    try file.replaceAll(try #require(SecretBytes.copy(of: Self.seed(3))), madeSeconds: 1)
    world.collectorClock.wallOffset -= 50 * 365 * 86_400 * 1_000_000_000
    world.replaceCollectorFile(file)
    world.run(limit: .seconds(60))
    #expect(!world.deviceIsConnected)
    #expect(world.sessionCount == 0)
    world.collectorClock.wallOffset += 100 * 365 * 86_400 * 1_000_000_000
    world.run(limit: .seconds(60))
    #expect(!world.deviceIsConnected)
    world.replaceDeviceFile(file)
    world.run(limit: .seconds(100)) { $0.seeds?.proven.last == 2 }
    #expect(world.seeds?.proven.last == 2)
    #expect(states(world.seeds?.device) == ["2 current", "1 archive-only"])
  }

  @Test("a collector that lost the new seed to a backup still serves its device during the device's overlap")
  func collectorFromBackup() throws {
    let world = try world(84)
    _ = world.open("s")
    world.run(limit: .seconds(5)) { $0.seeds?.proven == [1] }
    let backup = try #require(world.seeds?.collector)
    try world.rotate(seed: Self.seed(2))
    world.run(limit: .seconds(60)) { $0.seeds?.proven == [1, 2] }
    world.replaceCollectorFile(backup)
    world.restartCollector()
    world.run(limit: .seconds(120)) { $0.deviceIsConnected && $0.seeds?.proven.last == 1 }
    #expect(world.seeds?.proven.last == 1)
    // The device has another epoch 2 already, proven once: it says so instead of forgetting it.
    try world.rotate(seed: Self.seed(4))
    world.run(limit: .seconds(20))
    let refused = world.collectorEvents.contains {
      if case .seedRefused(0, 2, .notNewer) = $0 { true } else { false }
    }
    #expect(refused)
    world.spendOverlapOfDevice(1000)
    #expect(states(world.seeds?.device) == ["2 current", "1 archive-only"])
  }

  @Test(
    "SEED mode and sessions without an identity: nothing is offered, and a SEED_UPDATE ends the session",
    arguments: [true, false])
  func onlyHybridWithIdentity(seedMode: Bool) throws {
    let world = try world(85, modes: seedMode ? [.seed] : [.hybrid], identity: false)
    let stream = world.open("s")
    _ = world.send(stream, byteCount: 10)
    world.run(limit: .seconds(5)) { $0.isRelieved }
    try world.rotate(seed: Self.seed(2))
    world.run(limit: .seconds(5))
    #expect(world.seeds?.stored == [] && world.connectionCount == 1)
    // A collector that does it nevertheless.
    let place = try #require(world.collector.sessionsOfPeer[0].first)
    world.collector.table.slot(place).pointee.session.sendControl(
      .seedUpdate, SeedUpdate.offer(epoch: 2, overlapSeconds: 1, seed: Self.seed(2)).bytes)
    world.collector.touch(place)
    world.run(limit: .milliseconds(500))
    #expect(world.deviceEvents.contains(.disconnected(.closed)))
    #expect(states(world.seeds?.device) == ["1 current"])
  }

  @Test("a device's own SEED_UPDATE, an answer to nothing and an answer to another offer end its session", arguments: 0..<3)
  func outOfTurn(which: Int) throws {
    let world = try world(86)
    _ = world.open("s")
    world.run(limit: .seconds(5)) { $0.seeds?.proven == [1] }
    let updates: [SeedUpdate] = [
      .offer(epoch: 2, overlapSeconds: 1, seed: Self.seed(2)), .stored(epoch: 2), .refused(epoch: 9, .fixed),
    ]
    world.device.session?.sendControl(.seedUpdate, updates[which].bytes)
    world.run(limit: .milliseconds(500))
    let violated = world.deviceEvents.contains {
      if case .disconnected(.closedByPeer(CloseReason.protocolViolation.rawValue, _)) = $0 { true } else { false }
    }
    #expect(violated)
    #expect(states(world.seeds?.collector) == ["1 current"])
  }

  @Test("the datagrams of the offer sent back to the collector do nothing")
  func reflection() throws {
    let world = try world(87)
    _ = world.open("s")
    world.run(limit: .seconds(5)) { $0.seeds?.proven == [1] }
    world.link.keepsHistory = true
    try world.rotate(seed: Self.seed(2))
    world.run(limit: .seconds(60)) { $0.seeds?.proven == [1, 2] }
    let before = world.collectorEvents.count
    for flight in world.link.history where !flight.toCollector {
      world.link.inject(flight.bytes, toCollector: true, arrival: world.now)
    }
    world.run(limit: .milliseconds(1))
    #expect(world.collectorEvents.count == before)
    #expect(world.deviceIsConnected)
  }
}
