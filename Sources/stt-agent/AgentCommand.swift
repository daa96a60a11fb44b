import ArgumentParser
import STTAgentRuntime

/// `stt-agent`: a screen over the agent's runtime.
@main
struct AgentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stt-agent",
    abstract: "Reads this board's sensors, files and cameras, and streams them sealed to a collector.",
    discussion: """
      A service starts it without a subcommand. The configuration names the collector, the pair file made by \
      `stt seed new`, and the sources; see docs/configuration.md, and `stt-agent check` for what is wrong with yours.

      Try it:
        stt-agent probe
        stt-agent check --config agent.toml
        stt-agent --config agent.toml
        stt-agent status --config agent.toml
        stt-agent watch system --config agent.toml

      SIGHUP makes it read its pair file again.

      Exit codes: 0 done; 1 failed while running; 2 the configuration, the key or a source is wrong; 64 wrong usage.
      """,
    version: AgentVersion.text,
    subcommands: [
      RunCommand.self, CheckCommand.self, StatusCommand.self, ProbeCommand.self, WatchCommand.self,
    ],
    defaultSubcommand: RunCommand.self)
}

enum AgentVersion {
  static let text = "stt-agent 0.1.0 (STT-1)"
}

/// Where the configuration is.
struct ConfigurationOption: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The configuration; the files in conf.d beside it are read too.", valueName: "file"))
  var config = "/etc/stt/agent.toml"
}
