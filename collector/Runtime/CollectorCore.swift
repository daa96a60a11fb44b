import DequeModule
import LinuxEvents
import Logging
import STC
import STTBoard
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

/// What the first receive thread decides with: its sessions, the counters that make replays impossible, and who every
/// device is. Sessions of other threads it asks by letter.
struct CollectorCore: ~Copyable {
  let devices: [KnownDevice]
  let pairs: [PairFile]
  let log: Logger
  let threads: ReceiveThreads
  /// The pairs as they are on the disk, seeds and all.
  var stores: [PairStore]
  var seedDuty = SeedDuty()
  var sessions: Sessions
  var gate: IdentityGate
  var counters: AcceptedCounters
  /// Those that have closed their sessions.
  private(set) var closedThreads: Set<Int> = []
  private(set) var threadFailure: String?
  private let mostSessions: Int

  init(
    _ configuration: CollectorConfiguration, pairs: [KnownDevice], counters: consuming AcceptedCounters,
    sessions: consuming Sessions, log: Logger
  ) throws {
    devices = pairs
    stores = pairs.map { PairStore($0.loaded) }
    self.pairs = pairs.map(\.pair)
    gate = IdentityGate(stateDirectory: configuration.stateDirectory, log: log)
    mostSessions = configuration.limits.sessionCount
    self.log = log
    threads = sessions.threads
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    for known in pairs {
      let current = known.pair.current
      let index = sessions.endpoint.add(try Self.entry(known, current, counters), now: now)
      for other in known.pair.live where other.number != current.number {
        sessions.endpoint.addEpoch(try Self.entry(known, other, counters), of: index, now: now)
      }
      if known.identity != .off { sessions.endpoint.askIdentity(of: index) }
    }
    self.sessions = sessions
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

  /// Asks it of the thread that has the sessions of device `peer`.
  mutating func ask(_ peer: Int, _ order: SessionOrder, wall: UInt64) {
    let thread = sessions.share.thread(of: peer)
    if thread == sessions.share.thread {
      sessions.apply(order, wall: wall)
    } else {
      threads.orders[thread].post(order)
    }
  }

  /// Decides whatever there is to decide.
  mutating func takeEvents(wall: UInt64) {
    repeat {
      sessions.takeEvents(wall: wall)
      while let news = sessions.news.popFirst() { hear(news, wall: wall) }
      for news in threads.news.take() { hear(news, wall: wall) }
    } while sessions.endpoint.hasEvents || !sessions.news.isEmpty
  }

  private mutating func hear(_ news: SessionNews, wall: UInt64) {
    switch news {
    case .began(let peer, let session, let id): settle(gate.arrived(devices[peer]), session, id, peer, wall)
    case .shown(let peer, let session, let id, let key):
      settle(gate.shown(key, by: devices[peer]), session, id, peer, wall)
    case .missing(let peer, let flaw):
      gate.missing(flaw.description, of: devices[peer])
      ask(peer, .note(RecordingEvent(kind: "identity-refused", detail: flaw.description), peer: peer), wall: wall)
    case .proven(let peer, let epoch): proven(peer, epoch, wall: wall)
    case .stored(let peer, let epoch): stored(peer, epoch)
    case .refused(let peer, let epoch, let refusal): refused(peer, epoch, refusal)
    case .declined(let credential, let counter): sessions.endpoint.withdraw(credential: credential, counter: counter)
    case .closed(let thread): closedThreads.insert(thread)
    case .failed(let reason): threadFailure = reason
    }
  }

  private mutating func settle(
    _ decision: IdentityGate.Decision, _ session: Int, _ id: SessionID, _ peer: Int, _ wall: UInt64
  ) {
    switch decision {
    case .wait: break
    case .admit: ask(peer, .admit(session: session, id), wall: wall)
    case .refuse(let reason):
      ask(peer, .refuse(session: session, id, reason: reason), wall: wall)
      ask(peer, .note(RecordingEvent(kind: "identity-refused", detail: reason), peer: peer), wall: wall)
    }
  }

  mutating func take(
    _ datagram: UnsafeMutableRawBufferPointer, from source: PeerAddress, ecn: ECN, now: MonotonicTime, wall: UInt64
  ) {
    Self.take(datagram, from: source, ecn, now, wall, &sessions, &counters, threads, mostSessions, pairs, log)
  }

  private static func take(
    _ datagram: UnsafeMutableRawBufferPointer, from source: PeerAddress, _ ecn: ECN, _ now: MonotonicTime,
    _ wall: UInt64, _ sessions: inout Sessions, _ counters: inout AcceptedCounters, _ threads: ReceiveThreads,
    _ mostSessions: Int, _ pairs: [PairFile], _ log: Logger
  ) {
    sessions.take(datagram, from: source, ecn: ecn, now: now, wall: wall) { peer, epoch, counter in
      // One thread's table is as large as what all threads may have together. A device that has a session gets another
      // in its place.
      guard threads.count == 1 || threads.sessionCount < mostSessions || threads.tally(of: peer).isConnected(peer) else {
        return false
      }
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
