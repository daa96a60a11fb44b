import ArgumentParser
import Logging
import STTCollectorRuntime
import STTBoard
import STTConfig

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Records until SIGINT or SIGTERM (what a service does).",
    discussion: """
      At a stop it finishes every recording. Killed in any other way, it recovers them at the next start.

      Exit codes: 0 stopped; 1 failed while running; 2 the configuration, a key, the port or the disk is wrong.
      """)

  @OptionGroup var file: ConfigurationOption

  @Option(help: "How much to log: trace, debug, info, notice, warning, error or critical.")
  var logLevel = LogLevel.notice

  func run() throws {
    let log = logLevel.logger("stt-collector")
    var collector: Collector
    do {
      collector = try Collector.open(try ConfigFile(file.config).collector(), log: log)
    } catch {
      log.critical("\(error)")
      throw ExitCode(2)
    }
    do {
      try collector.run()
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
