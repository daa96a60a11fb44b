import ArgumentParser
import Glibc
import LinuxEvents
import STTAgentRuntime
import STTBoard
import STTConfig

struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Shows one source live: its values, their units, and a small plot.",
    discussion: """
      The source is read here and sent nowhere. A device that only one program may have (a camera, a GPIO line, a serial \
      port) must not be in the running agent's hands: stop that first.

      In a terminal each value has a line of its own that is redrawn; elsewhere each sample is a line.

      Try it:
        stt-agent watch system --config agent.toml
        stt-agent watch door --for 10 | tee door.txt

      Exit codes: 0 stopped by Ctrl-C or after --for; 2 the configuration is wrong, has no such source, or its device is \
      not there; 64 wrong usage.
      """)

  @Argument(help: "The source's name in the configuration.")
  var name: String

  @OptionGroup var file: ConfigurationOption

  @Option(help: ArgumentHelp("Stop after so many seconds.", valueName: "seconds"))
  var `for`: Double?

  func validate() throws {
    if let seconds = self.for, !(seconds > 0 && seconds <= 31_536_000) {
      throw ValidationError("--for takes seconds from above 0 to a year, not \(seconds)")
    }
  }

  func run() throws {
    let watch: SourceWatch
    do {
      let sources = try ConfigFile(file.config).agent().sources
      guard let source = sources.first(where: { $0.name == name }) else {
        print("\(file.config) has no source \(name); it has \(sources.map(\.name).joined(separator: ", "))")
        throw ExitCode(2)
      }
      watch = try SourceWatch(source)
    } catch let code as ExitCode {
      throw code
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
    let end = self.for.map { Clocks.monotonic + UInt64($0 * 1e9) } ?? .max
    if isatty(STDOUT_FILENO) == 1 {
      var screen = WatchScreen(watch.streams)
      try watch.run(until: end) { sights in
        for sight in sights { screen.take(sight) }
        screen.draw(now: Clocks.monotonic)
        return true
      }
    } else {
      try watch.run(until: end) { sights in
        for sight in sights { print(WatchText.line(sight)) }
        return fflush(nil) == 0
      }
    }
  }
}
