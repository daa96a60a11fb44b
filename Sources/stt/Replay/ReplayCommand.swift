import ArgumentParser
import LinuxEvents
import STTRecord

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Plays a recording back in its own time, all streams merged.",
    discussion: """
      Examples:
        stt replay recordings/greenhouse-1                     as it happened, a line for each message
        stt replay recordings --format view                    a table of all streams
        stt replay recordings --fast --format ndjson | jq .    as fast as it can be read
        stt replay recordings --from 60 --for 10 --speed 0.5 --loop --streams 'system/*'

      In a terminal: space pauses, `.` plays one message, + and - change the speed, q quits.

      NDJSON tells of every message when the collector received it, its own times on the device's two clocks, and
      how far the device's wall clock stood from the collector's (device minus collector) and how sure that is.
      `protobuf` writes length-delimited messages with the payload in them (docs/recording.md has the type).

      At its end a replay that kept time says on standard error how late messages were.

      Exit codes: 0 played to the end, or quit; 3 a file was damaged and its whole part was played; 2 it can't be read,
      or is sealed and no key given opens it.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, view, ndjson, protobuf }

  @Argument(help: "A .mcap file, a device's folder, or the recordings' root.")
  var recording: String
  @Option(help: "text, view, ndjson or protobuf.")
  var format = Format.text
  @Option(help: "How many times faster than it happened.")
  var speed = 1.0
  @Flag(help: "Don't wait between messages.")
  var fast = false
  @Flag(help: "Begin anew at the end, until somebody quits.")
  var loop = false
  @OptionGroup var selection: SelectionOptions
  @OptionGroup var keys: KeyOptions

  func validate() throws {
    guard speed > 0, speed <= 1_000_000 else { throw ValidationError("--speed is above 0, not \(speed)") }
  }

  func run() throws {
    try readingRecordings {
      let output = makeOutput()
      let ahead = try ReadAhead(
        try RecordingFiles.tracks(at: recording), keys: try keys.sources(), selection.selection, loops: loop)
      let terminal = try TerminalKeys()
      var player = Player(speed: speed, waits: !fast, keys: terminal)
      let began = Clocks.monotonic
      try player.play(ahead.queue, to: output)
      let lines = try output.finish()
      let damage = try ahead.finish()
      for line in lines { writeToStandardError(line + "\n") }
      if !fast, player.lateness.count > 0 {
        let seconds = rounded(Double(Clocks.monotonic - began) / 1e9, 2)
        writeToStandardError("\(player.messageCount) messages in \(seconds) s; \(player.lateness.text)\n")
      }
      return damage
    }
  }

  private func makeOutput() -> any ReplayOutput {
    switch format {
    case .text: TextOutput()
    case .view: TerminalView()
    case .ndjson: NDJSONOutput()
    case .protobuf: DelimitedOutput()
    }
  }
}
