import ArgumentParser
import STTCollectorRuntime

/// `stt-collector`: a screen over the collector's runtime.
@main
struct CollectorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stt-collector",
    abstract: "Receives sealed streams from devices, verifies them, and records them to disk.",
    discussion: """
      A service starts it without a subcommand. The configuration names where to listen, the pair files of the \
      devices to serve, and where to record; see docs/configuration.md, and `stt-collector check` for what is wrong \
      with yours.

      Try it:
        stt-collector check --config collector.toml
        stt-collector --config collector.toml
        stt-collector status --config collector.toml
        stt-collector rotate greenhouse-1 --config collector.toml

      SIGHUP makes it read its pair files again.

      Exit codes: 0 done; 1 failed while running; 2 the configuration, a key, the port or the disk is wrong; 64 wrong usage.
      """,
    version: CollectorVersion.text,
    subcommands: [RunCommand.self, CheckCommand.self, StatusCommand.self, RotateCommand.self],
    defaultSubcommand: RunCommand.self)
}

enum CollectorVersion {
  static let text = "stt-collector 0.1.0 (STT-1)"
}

/// Where the configuration is.
struct ConfigurationOption: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The configuration; the files in conf.d beside it are read too.", valueName: "file"))
  var config = "/etc/stt/collector.toml"
}
