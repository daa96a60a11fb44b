import LinuxEvents
import Logging
import STC
import STTKeyring
import STTSession
import STTWire

/// The agent's pair file and the handshake counters of its seeds (docs/protocol.md 2.13).
struct DeviceSeeds {
  /// Of the overlap, what passes between two writes to the disk.
  private static let overlapStepSeconds: UInt32 = 600

  private var store: PairStore
  private let state: StateDirectory
  private let log: Logger
  private var counters: [UInt32: EpochCounter] = [:]
  /// Since when the overlap counts.
  private var overlapMark: UInt64?

  init(_ loaded: LoadedPair, in state: StateDirectory, log: Logger) throws {
    store = PairStore(loaded)
    self.state = state
    self.log = log
    try openCounters()
  }

  var pair: PairFile { store.pair }

  /// Newest first.
  func keys() throws -> [PairKeys] { try pair.live.map { try pair.keys(of: $0) } }

  /// A handshake counter never used before with the seed of `epoch`.
  func takeCounter(_ epoch: UInt32) throws -> UInt64 { try counters[epoch]?.take() ?? 0 }

  /// Puts an offered seed on the disk; answers why not.
  mutating func keep(_ offer: (epoch: UInt32, overlapSeconds: UInt32, seed: [UInt8])) -> SeedUpdate.Refusal? {
    guard store.isFile else {
      log.error(
        "the collector offers a new seed, and this pair can't take it: \(PairStoreError.fixed(store.reference))")
      return .fixed
    }
    guard let seed = SecretBytes.copy(of: offer.seed), offer.overlapSeconds <= SeedEpoch.longestOverlapSeconds else {
      return .notWritten
    }
    guard seed.withUnsafeBytes({ SeedWeakness.find(in: $0) }) == nil else { return .weakSeed }
    let epoch = SeedEpoch(
      number: offer.epoch, seed: seed, state: .next, overlapSeconds: offer.overlapSeconds,
      // For people alone.
      madeSeconds: Clocks.wall / 1_000_000_000)
    do {
      if try store.update({ (pair) throws(PairFlaw) in try pair.store(epoch) }) {
        log.notice("seed epoch \(offer.epoch) is stored; a handshake with it follows")
      }
      try openCounters()
      return nil
    } catch PairStoreError.flawed(_, .notNewer) {
      log.error(
        "the collector offers seed epoch \(offer.epoch), and this pair is at epoch \(pair.epoch) with another seed: bring one pair file to both ends"
      )
      return .notNewer
    } catch {
      log.error("the collector offers a new seed, which can't be stored: \(error)")
      return .notWritten
    }
  }

  /// The collector has proven `epoch`. Answers whether the seeds changed.
  mutating func promote(_ epoch: UInt32) -> Bool {
    guard pair.next?.number == epoch else { return false }
    if change({ $0.promote(epoch) }) { log.notice("seed epoch \(epoch) is proven and current now") }
    return true
  }

  /// Counts the overlap, while connected with the current seed: a thief of the one before, who poses as the
  /// collector, can't make it pass. Answers whether the seeds changed.
  mutating func tend(connected epoch: UInt32?, now: UInt64) -> Bool {
    guard let previous = pair.previous, epoch == pair.epoch else {
      overlapMark = nil
      return false
    }
    guard let mark = overlapMark else {
      overlapMark = now
      return false
    }
    let step = min(Self.overlapStepSeconds, previous.overlapSeconds)
    guard now &- mark >= UInt64(step) * 1_000_000_000 else { return false }
    overlapMark = now
    _ = change { $0.spendOverlap(step) }
    guard pair.previous == nil else { return false }
    log.notice("seed epoch \(previous.number) is archive-only now")
    return true
  }

  /// Reads the file again. Answers whether the seeds changed.
  mutating func reload() -> Bool {
    do {
      guard store.isFile else {
        log.warning("\(store.reference): is read at the start alone; restart to read it again")
        return false
      }
      guard try store.reload() else { return false }
      try openCounters()
      log.notice("read \(store.reference) again: \(pair.summary)")
      return true
    } catch {
      log.error("going on with the seeds of before: \(error)")
      return false
    }
  }

  /// Gives back unused counters.
  func finish() throws {
    for counter in counters.values { try counter.close() }
  }

  /// On the disk, or else, where it can't be written, for this run.
  private mutating func change(_ change: (inout PairFile) -> Bool) -> Bool {
    do {
      return try store.update { (pair) throws(PairFlaw) in change(&pair) }
    } catch {
      log.warning("not kept beyond this run: \(error)")
      return store.updateInMemory(change)
    }
  }

  private mutating func openCounters() throws {
    for epoch in pair.live where counters[epoch.number] == nil {
      counters[epoch.number] = try EpochCounter(HandshakeCounter(of: pair, epoch: epoch.number, in: state))
    }
  }
}

/// Lets a dictionary hold counters.
private final class EpochCounter {
  private var counter: HandshakeCounter?

  init(_ counter: consuming HandshakeCounter) { self.counter = consume counter }

  func take() throws -> UInt64 { try counter?.take() ?? 0 }
  func close() throws { try counter.take()?.close() }
}
