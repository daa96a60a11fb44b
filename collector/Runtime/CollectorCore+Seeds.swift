import LinuxEvents
import Logging
import STTIngest
import STTKeyring
import STTRecorder
import STTSession
import STTWire

/// When the collector next looks after its pairs' seeds.
struct SeedDuty {
  /// Of an overlap, what passes between two writes to the disk.
  static let step: UInt64 = 3600 * 1_000_000_000
  /// Between two pairs: each may cost a write, and the sessions don't wait long for it.
  static let pause: UInt64 = 20_000_000

  var due: UInt64 = 0
  var next = 0
  var began = Clocks.monotonic
  /// When each pair was looked after last.
  var tended: [UInt64] = []
}

/// The collector's share in changing its devices' seeds (docs/protocol.md 2.13). Whatever a pair file says is
/// accepted, and nothing else; a seed is on the disk and accepted before it is offered.
extension CollectorCore {
  /// The session of `peer` counts as made with the seed of `epoch`.
  mutating func proven(_ peer: Int, _ epoch: UInt32, wall: UInt64) {
    if stores[peer].pair.next?.number == epoch {
      let before = stores[peer].pair.live
      change(peer) { $0.promote(epoch) }
      if !seedDuty.tended.isEmpty { seedDuty.tended[peer] = Clocks.monotonic }
      accept(peer, before)
      log.notice("\(pairs[peer].name): seed epoch \(epoch) is proven and current now")
      ask(peer, .note(RecordingEvent(kind: "seed-changed", detail: "epoch \(epoch)"), peer: peer), wall: wall)
    }
    offer(peer, connectedWith: epoch)
  }

  func stored(_ peer: Int, _ epoch: UInt32) {
    log.info("\(pairs[peer].name) has stored seed epoch \(epoch)")
  }

  func refused(_ peer: Int, _ epoch: UInt32, _ refusal: SeedUpdate.Refusal) {
    let why =
      switch refusal {
      case .fixed: "its pair is kept where its agent can't write (credential:, fd: or env:)"
      case .notWritten: "its agent could not write its pair file, and says why in its log"
      case .notNewer: "it is at that epoch or a newer one, with another seed"
      case .weakSeed: "it takes the seed for a weak one"
      }
    log.error(
      "\(pairs[peer].name) does not take seed epoch \(epoch): \(why). It goes on with the old seed; bring \(stores[peer].reference) to it by hand."
    )
  }

  /// Reads all pair files again.
  mutating func reload() {
    for peer in stores.indices {
      let before = stores[peer].pair.live
      do {
        guard try stores[peer].reload() else { continue }
        accept(peer, before)
        log.notice("\(pairs[peer].name): read its pair again: \(stores[peer].pair.summary)")
        offer(peer, connectedWith: nil)
      } catch {
        log.error("\(pairs[peer].name): going on with the seeds of before: \(error)")
      }
    }
  }

  /// Lets overlaps pass and seeds grow old, one pair a call.
  mutating func tendSeeds(now: UInt64, wall: UInt64) {
    guard now >= seedDuty.due, !stores.isEmpty else { return }
    if seedDuty.tended.isEmpty { seedDuty.tended = Array(repeating: now, count: stores.count) }
    let peer = seedDuty.next
    spendOverlap(peer, now: now, least: 1)
    rotateIfOld(peer, now: now, wall: wall / 1_000_000_000)
    seedDuty.next = (peer + 1) % stores.count
    guard seedDuty.next == 0 else {
      seedDuty.due = now + SeedDuty.pause
      return
    }
    let soonest = stores.compactMap { $0.pair.previous?.overlapSeconds }.min() ?? .max
    seedDuty.due = now + min(SeedDuty.step, UInt64(soonest) * 1_000_000_000)
  }

  /// At the end: what passed of the overlaps since the last look.
  mutating func finishSeeds(now: UInt64) {
    guard !seedDuty.tended.isEmpty else { return }
    for peer in stores.indices { spendOverlap(peer, now: now, least: 60) }
  }

  /// Running time alone counts: a wall clock may jump.
  private mutating func spendOverlap(_ peer: Int, now: UInt64, least: UInt64) {
    let passed = (now &- seedDuty.tended[peer]) / 1_000_000_000
    guard let previous = stores[peer].pair.previous, passed >= least else {
      if stores[peer].pair.previous == nil { seedDuty.tended[peer] = now }
      return
    }
    seedDuty.tended[peer] = now
    let before = stores[peer].pair.live
    change(peer) { $0.spendOverlap(UInt32(clamping: passed)) }
    guard stores[peer].pair.previous == nil else { return }
    accept(peer, before)
    log.notice("\(pairs[peer].name): seed epoch \(previous.number) is archive-only now")
  }

  /// By the wall clock, which may be wrong, or by the time this program runs: early or late does no harm.
  private mutating func rotateIfOld(_ peer: Int, now: UInt64, wall: UInt64) {
    guard let days = devices[peer].rotateDays, stores[peer].pair.next == nil else { return }
    let limit = UInt64(days) * 86_400
    let made = stores[peer].pair.current.madeSeconds
    if made == 0 {
      change(peer) {
        $0.dateCurrent(wall); return true
      }
    }
    let age = made == 0 || wall < made ? 0 : wall - made
    guard age >= limit || (now &- seedDuty.began) / 1_000_000_000 >= limit else { return }
    seedDuty.began = now
    let before = stores[peer].pair.live
    do {
      _ = try stores[peer].update { (pair) throws(PairFlaw) in
        try pair.addNext(SecretBytes.randomSeed(), overlapSeconds: SeedEpoch.usualOverlapSeconds, madeSeconds: wall)
        return true
      }
    } catch {
      return log.error("\(pairs[peer].name) gets no new seed: \(error)")
    }
    accept(peer, before)
    log.notice("\(pairs[peer].name): its seed is \(days) days old, and a new one waits: \(stores[peer].pair.summary)")
    offer(peer, connectedWith: nil)
  }

  /// Sends the seed that waits, if there is one and a session that may carry it.
  private mutating func offer(_ peer: Int, connectedWith epoch: UInt32?) {
    guard let next = stores[peer].pair.next, next.number != epoch else { return }
    ask(
      peer,
      .offerSeed(SeedOffer(peer: peer, seed: next, connectedWith: epoch, place: "\(stores[peer].reference)")),
      wall: Clocks.wall)
  }

  /// Makes the endpoint accept what the pair says now.
  private mutating func accept(_ peer: Int, _ before: [SeedEpoch]) {
    let live = stores[peer].pair.live
    func has(_ epochs: [SeedEpoch], _ epoch: SeedEpoch) -> Bool {
      epochs.contains { $0.number == epoch.number && $0.seed.holdsSame(as: epoch.seed) }
    }
    for epoch in before where !has(live, epoch) {
      sessions.endpoint.removeEpoch(epoch.number, of: peer)
      if sessions.share.thread(of: peer) != sessions.share.thread {
        ask(peer, .endSessions(peer: peer, epoch: epoch.number), wall: Clocks.wall)
      }
    }
    for epoch in live where !has(before, epoch) {
      do {
        sessions.endpoint.addEpoch(
          try Self.entry(devices[peer], epoch, counters), of: peer, now: MonotonicTime(nanoseconds: Clocks.monotonic))
      } catch {
        log.error("\(pairs[peer].name): epoch \(epoch.number) can't be used: \(error)")
      }
    }
  }

  /// On the disk, or else, where it can't be written, for this run.
  private mutating func change(_ peer: Int, _ change: (inout PairFile) -> Bool) {
    do {
      _ = try stores[peer].update { (pair) throws(PairFlaw) in change(&pair) }
    } catch {
      log.warning("\(pairs[peer].name): not kept beyond this run: \(error)")
      _ = stores[peer].updateInMemory(change)
    }
  }
}
