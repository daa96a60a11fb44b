import ArgumentParser
import Logging
import STTAgentRuntime
import STTBoard
import STTConfig

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Streams until SIGINT or SIGTERM (what a service does).",
    discussion: """
      At a stop it waits up to ten seconds for the collector to acknowledge what was sent.

      Exit codes: 0 stopped; 1 failed while running; 2 the configuration, the key or a source is wrong.
      """)

  @OptionGroup var file: ConfigurationOption

  @Option(help: ArgumentHelp("Stop after so many seconds.", valueName: "seconds"))
  var `for`: Double?

  @Option(
    help: ArgumentHelp(
      "At the end, write what was sent here: a line of JSON for each stream with count and SHA-256, for `stt verify --account`.",
      valueName: "file"))
  var account: String?

  @Option(help: "How much to log: trace, debug, info, notice, warning, error or critical.")
  var logLevel = LogLevel.notice

  func validate() throws {
    if let seconds = self.for, !(seconds > 0 && seconds <= 31_536_000) {
      throw ValidationError("--for takes seconds from above 0 to a year, not \(seconds)")
    }
  }

  func run() throws {
    let log = logLevel.logger("stt-agent")
    var agent: Agent
    do {
      agent = try Agent.open(
        try ConfigFile(file.config).agent(),
        run: AgentRun(accountPath: account, duration: self.for.map { UInt64($0 * 1e9) }), log: log)
    } catch {
      log.critical("\(error)")
      throw ExitCode(2)
    }
    do {
      try agent.stream()
    } catch {
      log.critical("\(error)")
      throw ExitCode(1)
    }
  }
}

/// swift-log's levels as an option.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
  case trace, debug, info, notice, warning, error, critical

  func logger(_ label: String) -> Logger {
    var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = Logger.Level(rawValue: rawValue) ?? .notice
    return logger
  }
}
