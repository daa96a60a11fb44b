import ArgumentParser
import RecordingTrials

struct TamperCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tamper",
    abstract:
      "Deletes, repeats, swaps, edits and cuts at every record of a sealed recording, drops every segment, and rolls the catalogue back.",
    discussion: "Exit codes: 0 everything was detected, in its place; 1 otherwise.")

  @Option(help: "Batches; each makes five records with the summary's.")
  var groups = 2500

  @Option(help: "Tries every so many-th record.")
  var stride = 1

  func run() throws {
    let recording = try Tampering(groups: groups, perSegment: groups + 1)
    print("\(try recording.recordCount()) records")
    let records = try recording.everyRecord(stride: stride)
    let chain = try Tampering(groups: 200, perSegment: 10)
    let (segments, catalogues) = (try chain.everySegment(), try chain.everyCatalogue())
    for (what, outcome) in [("records", records), ("segments", segments), ("catalogues", catalogues)] {
      print("\(what): \(outcome.attemptCount) changes, \(outcome.failures.count) of them not detected in their place")
      for failure in outcome.failures.prefix(5) { print("  \(failure)") }
    }
    if [records, segments, catalogues].contains(where: { !$0.failures.isEmpty }) { throw ExitCode(1) }
  }
}
