import LinuxEvents
import Logging
import STC
import STTBoard
import STTBuffers
import STTIngest
import STTKeyring
import STTRecorder
import STTSession
import STTWire

/// A device this collector serves.
struct KnownDevice {
  var loaded: LoadedPair
  var pair: PairFile { loaded.pair }
  /// Whether it may open sessions that have no forward secrecy.
  var allowsSeedMode: Bool
  /// What it must show beyond its seed.
  var identity: IdentityPolicy
  /// How old its seed may become, in days.
  var rotateDays: Int?
}

/// What the receiving thread decides with: every session, the ledger, and the counters that make
/// replays impossible.
struct CollectorCore: ~Copyable {
  let devices: [KnownDevice]
  let pairs: [PairFile]
  let log: Logger
  /// The pairs as they are on the disk, seeds and all.
  var stores: [PairStore]
  var seedDuty = SeedDuty()
  var endpoint: CollectorEndpoint
  var sink: RecordingSink
  var gate: IdentityGate
  var counters: AcceptedCounters
  private var random = SystemRandomNumberGenerator()

  init(
    _ configuration: CollectorConfiguration, pairs: [KnownDevice], counters: consuming AcceptedCounters,
    pool: BufferPool, channel: RecorderChannel, log: Logger
  ) throws {
    devices = pairs
    stores = pairs.map { PairStore($0.loaded) }
    self.pairs = pairs.map(\.pair)
    gate = IdentityGate(stateDirectory: configuration.stateDirectory, log: log)
    self.log = log
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    let suites: [Suite] =
      Processor.hasAESInstructions ? [.aes256GCM, .chaCha20Poly1305] : [.chaCha20Poly1305, .aes256GCM]
    let offer = HandshakeOffer(
      modes: [.hybrid, .seed], suites: suites,
      maximumDatagram: UInt16(clamping: configuration.maximumDatagramByteCount))
    endpoint = CollectorEndpoint(
      offer: offer, settings: Session.Settings(largestDatagramByteCount: configuration.maximumDatagramByteCount),
      mostSessions: configuration.limits.sessionCount,
      handshakesPerSecond: UInt64(configuration.limits.handshakesPerSecond), now: now, using: &random)
    for known in pairs {
      let current = known.pair.current
      let index = endpoint.add(try Self.entry(known, current, counters), now: now)
      for other in known.pair.live where other.number != current.number {
        endpoint.addEpoch(try Self.entry(known, other, counters), of: index, now: now)
      }
      if known.identity != .off { endpoint.askIdentity(of: index) }
    }
    sink = RecordingSink(
      pool: pool, channel: channel, deviceNames: pairs.map(\.pair.name),
      largestMessage: configuration.limits.maximumMessageByteCount)
    self.counters = counters
  }

  static func entry(
    _ device: KnownDevice, _ epoch: SeedEpoch, _ counters: borrowing AcceptedCounters
  ) throws -> ResponderHandshake.Peer {
    .init(
      keys: try device.pair.keys(of: epoch), epoch: epoch.number,
      lastCounter: counters.last(of: device.pair.key(epoch: epoch.number)),
      modes: device.allowsSeedMode ? [.hybrid, .seed] : [.hybrid])
  }

  /// Takes over how far streams were recorded before.
  mutating func recall(_ positions: [RecordedPosition]) {
    for position in positions {
      guard let uid = StreamUID(text: position.uid) else { continue }
      sink.ledger.recovered(
        .init(device: position.device, uid: uid, incarnation: position.incarnation), position: position.position)
    }
  }

  /// A session began: is anything asked of its device before it is heard?
  mutating func began(_ session: Int, id: SessionID, peer: Int, wall: UInt64) {
    guard devices[peer].identity != .off else { return }
    settle(gate.arrived(devices[peer]), session, id, peer, wall)
  }

  mutating func shown(_ key: IdentityPublicKey, _ session: Int, id: SessionID, peer: Int, wall: UInt64) {
    settle(gate.shown(key, by: devices[peer]), session, id, peer, wall)
  }

  mutating func missing(_ flaw: IdentityExchange.Flaw, peer: Int, wall: UInt64) {
    gate.missing(flaw.description, of: devices[peer])
    sink.note(RecordingEvent(kind: "identity-refused", detail: flaw.description), device: peer, wall: wall)
  }

  private mutating func settle(
    _ decision: IdentityGate.Decision, _ session: Int, _ id: SessionID, _ peer: Int, _ wall: UInt64
  ) {
    switch decision {
    case .wait: break
    case .admit: endpoint.admit(session: session, id: id)
    case .refuse(let reason):
      endpoint.refuse(session: session, id: id, text: reason)
      sink.note(RecordingEvent(kind: "identity-refused", detail: reason), device: peer, wall: wall)
    }
  }

  mutating func take(
    _ datagram: UnsafeMutableRawBufferPointer, from source: PeerAddress, ecn: ECN, now: MonotonicTime, wall: UInt64
  ) {
    sink.prepare()
    sink.wall = wall
    Self.take(datagram, from: source, ecn, now, wall, &endpoint, &sink, &counters, &random, pairs, log)
  }

  private static func take(
    _ datagram: UnsafeMutableRawBufferPointer, from source: PeerAddress, _ ecn: ECN, _ now: MonotonicTime,
    _ wall: UInt64,
    _ endpoint: inout CollectorEndpoint, _ sink: inout RecordingSink, _ counters: inout AcceptedCounters,
    _ random: inout SystemRandomNumberGenerator, _ pairs: [PairFile], _ log: Logger
  ) {
    endpoint.receive(unsafe: datagram, from: source, now: now, wall: wall, ecn: ecn, using: &random, sink: &sink) {
      peer, epoch, counter in
      // On disk before FINAL leaves, so that no replay is accepted after a crash.
      guard counters.note(counter, from: pairs[peer].key(epoch: epoch)) else { return false }
      do {
        try counters.commit()
        return true
      } catch {
        log.error("refusing a handshake of \(pairs[peer].name): \(error)")
        return false
      }
    }
  }
}
