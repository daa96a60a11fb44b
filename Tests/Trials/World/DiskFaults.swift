import Glibc
import STTRecord
import STTRecorder

/// A recorder's run on a disk, and a keystore, that refuse at every n-th call in turn.
public struct DiskFaults {
  /// What came of it.
  public struct Outcome {
    public var runCount = 0
    public var failures: [String] = []
  }

  private let isSealed: Bool
  private let fault: DiskFault
  private let retains: Bool

  /// - Parameter retains: the recorder removes old segments on its way.
  public init(isSealed: Bool, retains: Bool = false, fault: DiskFault) {
    self.isSealed = isSealed
    self.retains = retains
    self.fault = fault
  }

  /// For every call of a run: refuses there `length` times in a row and works again; or refuses for good, until
  /// the recorder is killed and the disk is mended.
  ///
  /// - Parameter stride: tries every so many-th call.
  public func run(seed: UInt64, steps: Int, stride: Int = 1) throws -> Outcome {
    var outcome = Outcome()
    let calls = try attempt(seed, steps, .max, 0, false)
    for call in Swift.stride(from: 0, to: calls, by: stride) {
      for (length, isKilled) in [(1, false), (3, false), (Int.max, true)] {
        outcome.runCount += 1
        do {
          _ = try attempt(seed, steps, call, length, isKilled)
        } catch let failure as TrialFailure {
          outcome.failures.append("\(fault) at call \(call), \(isKilled ? "for good" : "\(length) in a row"): \(failure)")
        }
      }
    }
    return outcome
  }

  /// - Returns: how many calls the run made.
  private func attempt(_ seed: UInt64, _ steps: Int, _ call: Int, _ length: Int, _ isKilled: Bool) throws -> Int {
    let place = try TrialDirectory()
    let disk = FailingDisk(first: call, count: length, fault: fault)
    let keys = TrialKeys(isSealed: isSealed)
    keys.gate = { () throws(RecorderError) in
      let refused = disk.refusal()
      if refused != 0, case .error(let number) = fault { throw RecorderError(doing: "use", path: "keys", number: number) }
    }
    let run = TrialRun(root: "\(place.path)/root", keys: keys, disk: disk, seed: seed, retains: retains)
    for part in 0..<2 {
      do {
        try run.start(attempts: isKilled ? 1 : 5)
        try run.feed(steps: steps / 2)
      } catch  where isKilled && fault != .short {
        // It halted, as it should; everything taken and not promised is its device's to send again.
        break
      }
      if part == 0 { run.kill() }
    }
    if !isKilled { run.close() }
    run.kill()
    keys.gate = {}
    // A disk that works again, or a new one with the same content.
    let mended = TrialRun(root: "\(place.path)/root", keys: keys, disk: SystemDisk(), seed: seed, retains: retains)
    mended.promise(run.durable)
    try mended.start()
    if !isKilled, mended.positions != run.positions {
      throw TrialFailure("\(run.positions) messages were taken and closed, \(mended.positions) are there")
    }
    try mended.feed(steps: 1)
    mended.close()
    try mended.check()
    return disk.callCount
  }
}
