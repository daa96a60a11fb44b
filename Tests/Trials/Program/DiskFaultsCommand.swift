import ArgumentParser
import RecordingTrials

struct DiskFaultsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disk-faults",
    abstract: "Lets the n-th call of a recorder's run fail, for every n, with ENOSPC, EIO, EDQUOT, EROFS and short writes.",
    discussion: "Exit codes: 0 nothing promised was lost and recording went on; 1 otherwise.")

  @Option(help: "Runs of different messages.")
  var seeds: UInt64 = 1

  func run() throws {
    var isWhole = true
    for fault in DiskFault.all {
      for (isSealed, retains) in [(false, false), (true, false), (true, true)] {
        var (runCount, failures) = (0, [String]())
        for seed in 0..<seeds {
          let outcome = try DiskFaults(isSealed: isSealed, retains: retains, fault: fault).run(seed: seed, steps: 36)
          runCount += outcome.runCount
          failures += outcome.failures
        }
        let name = "\(isSealed ? "sealed" : "plain")\(retains ? ", old segments removed" : "")"
        print("\(name), \(fault): \(runCount) runs, \(failures.count) of them failed")
        for failure in failures.prefix(3) { print("  \(failure)") }
        if !failures.isEmpty { isWhole = false }
      }
    }
    if !isWhole { throw ExitCode(1) }
  }
}
