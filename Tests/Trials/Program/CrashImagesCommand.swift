import ArgumentParser
import RecordingTrials

struct CrashImagesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crash-images",
    abstract: "Cuts the power at every call of recorders' runs, tears and reorders what was not synced, and recovers each.",
    discussion: "Exit codes: 0 nothing promised was lost and every store opened; 1 otherwise.")

  @Option(help: "Images at least, of plain recordings and of sealed ones, half of each where old segments are removed.")
  var images = 100_000

  @Option(help: "One run's seed alone.")
  var seed: UInt64?

  @Option(help: "One image of it alone, by the name a failure has.")
  var only: String?

  func run() throws {
    var isWhole = true
    for (isSealed, retains) in [(false, false), (true, false), (false, true), (true, true)] {
      let name = "\(isSealed ? "sealed" : "plain")\(retains ? ", old segments removed" : "")"
      var (imageCount, eventCount, runs, failures) = (0, 0, UInt64(0), 0)
      while imageCount < images / 2 {
        let outcome = try CrashImages(isSealed: isSealed, retains: retains).run(seed: seed ?? runs, steps: 90, only: only)
        imageCount += outcome.imageCount
        eventCount += outcome.eventCount
        failures += outcome.failures.count
        runs += 1
        for failure in outcome.failures.prefix(3) { print("  \(name): \(failure)") }
        if seed != nil { break }
        if failures > 100 { break }
      }
      print(
        "\(name): \(imageCount) images of \(eventCount) calls in \(runs) runs, \(failures) of them failed"
      )
      if failures > 0 { isWhole = false }
    }
    for isSealed in [false, true] {
      let (byteCount, seconds, processor) = try RecoveryTime.measure(isSealed: isSealed)
      print(
        "\(isSealed ? "sealed" : "plain"): \(byteCount >> 20) MiB unfinished recovered in \(Int(seconds * 1000)) ms, of which \(Int(processor * 1000)) ms of a processor"
      )
    }
    if !isWhole { throw ExitCode(1) }
  }
}
