import ArgumentParser
import RecordingTrials

struct TamperCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tamper",
    abstract: "Deletes, repeats, swaps, edits and cuts at every record of a sealed recording, and drops every segment.",
    discussion: "Exit codes: 0 everything was detected, in its place; 1 otherwise.")

  @Option(help: "Batches; each makes five records with the summary's.")
  var groups = 2500

  @Option(help: "Tries every so many-th record.")
  var stride = 1

  func run() throws {
    let recording = try Tampering(groups: groups, perSegment: groups + 1)
    print("\(try recording.recordCount()) records")
    let records = try recording.everyRecord(stride: stride)
    let segments = try Tampering(groups: 200, perSegment: 10).everySegment()
    for (what, outcome) in [("records", records), ("segments", segments)] {
      print("\(what): \(outcome.attemptCount) changes, \(outcome.failures.count) of them not detected in their place")
      for failure in outcome.failures.prefix(5) { print("  \(failure)") }
    }
    if !records.failures.isEmpty || !segments.failures.isEmpty { throw ExitCode(1) }
  }
}
