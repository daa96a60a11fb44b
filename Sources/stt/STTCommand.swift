import ArgumentParser

/// `stt`: what an owner does by hand.
@main
struct STTCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stt",
    abstract: "Keys, recordings, and measurements of the STT streaming stack.",
    discussion: """
      Five minutes from nothing to a recording:
        stt demo
      By hand:
        stt seed new greenhouse-1          make the key a device and its collector share
        stt-collector --config collector.toml
        stt-agent --config agent.toml
        stt inspect RECORDING              what a recording holds
        stt verify RECORDING               whether it is whole
        stt replay RECORDING               play it back in its own time

      Recordings are sealed unless plain ones are asked for, and open with a key: these commands then take
        --keys STATE/keys                  the collector's keystore (or --pair, or --recipient-key)

      Exit codes are documented with each command; 64 is wrong usage everywhere.
      """,
    version: "stt 0.1.0 (STT-1)",
    subcommands: [
      DemoCommand.self, SeedCommand.self, IdentityCommand.self, ListCommand.self, InspectCommand.self, VerifyCommand.self,
      ReplayCommand.self, ExportCommand.self, CutCommand.self, MergeCommand.self, RepairCommand.self, UnsealCommand.self,
      CatalogueCommand.self, ShredCommand.self, RetainCommand.self, RecipientCommand.self,
      BenchCommand.self, RelayCommand.self, BenchEnd.self, FloodEnd.self,
    ])
}

/// How a command prints facts.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}
