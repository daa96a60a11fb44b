import ArgumentParser
import RecordingTrials

/// Trials of recordings that take minutes: `make crash-images`, `make disk-faults`, `make tamper`.
@main
struct TrialsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stt-trials", abstract: "Trials of recordings that take minutes.",
    subcommands: [CrashImagesCommand.self, DiskFaultsCommand.self, TamperCommand.self])
}
