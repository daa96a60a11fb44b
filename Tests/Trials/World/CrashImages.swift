import STTRecord
import STTRecorder

/// Power cut at every call of a recorder's run, with what a disk may make of it.
public struct CrashImages {
  /// What came of it.
  public struct Outcome {
    public var imageCount = 0
    public var eventCount = 0
    public var failures: [String] = []
  }

  /// Calls that a run is tried without, to show that the trial would notice.
  public enum Forgotten: Hashable, Sendable, CaseIterable { case nothing, fileSyncs, directorySyncs }

  private let isSealed: Bool
  private let forgotten: Forgotten
  /// Images of unsynced writes reordered, for each call.
  private let reorderings: Int
  private let retains: Bool

  /// - Parameter retains: the recorder removes old segments on its way.
  public init(
    isSealed: Bool, retains: Bool = false, reorderings: Int = 3, without forgotten: Forgotten = .nothing
  ) {
    self.isSealed = isSealed
    self.retains = retains
    self.forgotten = forgotten
    self.reorderings = reorderings
  }

  /// Runs a recorder of `steps` steps, killed twice on its way, and tries every image of it.
  ///
  /// - Parameter only: one image's name, to look at it alone.
  public func run(seed: UInt64, steps: Int, only: String? = nil) throws -> Outcome {
    let events = try trace(seed, steps)
    var outcome = Outcome()
    outcome.eventCount = events.count
    let place = try TrialDirectory()
    var model = DiskModel()
    var heads: [String: ChainHead] = [:]
    var durable = TrialRun.streams.map { _ in UInt64(0) }
    var random = Dice(seed: seed &* 77 &+ 5)
    for (index, event) in events.enumerated() {
      if case .write(let file, let offset, let bytes) = event {
        // The write under way: cut between two sectors, and inside one.
        for kind in ["between sectors", "inside a sector"] {
          let cut = kind == "inside a sector" ? random.below(bytes.count) : random.below(bytes.count) / 512 * 512
          var torn = model
          torn.apply(.write(file: file, offset: offset, Array(bytes[..<cut])))
          try attempt("seed \(seed), call \(index), cut \(kind)", torn.ordered, heads, durable, place, only, &outcome)
        }
      }
      model.apply(event)
      switch event {
      case .remember(let folder, let head): heads[folder] = head
      case .durable(let stream, let below): durable[stream] = below
      default: break
      }
      try attempt("seed \(seed), call \(index)", model.ordered, heads, durable, place, only, &outcome)
      for variant in 0..<reorderings {
        let image = model.reordered(&random)
        try attempt("seed \(seed), call \(index), reordered \(variant)", image, heads, durable, place, only, &outcome)
      }
    }
    return outcome
  }

  private func trace(_ seed: UInt64, _ steps: Int) throws -> [TraceEvent] {
    let place = try TrialDirectory()
    let disk = TracingDisk(base: place.path)
    let keys = TrialKeys(isSealed: isSealed)
    keys.remembered = { disk.note(.remember(folder: $0, $1)) }
    let run = TrialRun(root: "\(place.path)/root", keys: keys, disk: disk, seed: seed, retains: retains)
    run.promised = { disk.note(.durable(stream: $0, below: $1)) }
    for part in 0..<3 {
      try run.start()
      try run.feed(steps: steps / 3)
      if part < 2 { run.kill() } else { run.close() }
    }
    try run.check()
    let removals = disk.events.count { if case .remove(let path) = $0 { path.hasSuffix(".mcap") } else { false } }
    guard !retains || removals > 0 else { throw TrialFailure("seed \(seed): no segment was removed") }
    return disk.events.filter {
      switch ($0, forgotten) {
      case (.sync, .fileSyncs), (.syncDirectory, .directorySyncs): false
      default: true
      }
    }
  }

  private func attempt(
    _ name: String, _ image: DiskModel.Image, _ heads: [String: ChainHead], _ durable: [UInt64],
    _ place: TrialDirectory, _ only: String?, _ outcome: inout Outcome
  ) throws {
    outcome.imageCount += 1
    guard only == nil || only == name else { return }
    try place.hold(image)
    let keys = TrialKeys(isSealed: isSealed)
    keys.heads = heads
    let run = TrialRun(root: "\(place.path)/root", keys: keys, disk: SystemDisk(), seed: 1, retains: retains)
    run.promise(durable)
    do {
      try run.start()
      try run.feed(steps: 1)
      run.close()
      try run.check()
    } catch let failure as TrialFailure {
      outcome.failures.append("\(name): \(failure)")
    }
  }
}
