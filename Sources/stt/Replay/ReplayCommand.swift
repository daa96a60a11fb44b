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
        stt replay recordings --foxglove 8765                  Foxglove opens ws://localhost:8765
        stt replay recordings --agent agent.toml               as a device, to the collector named there

      In a terminal: space pauses, `.` plays one message, + and - change the speed, q quits.

      NDJSON tells of every message when the collector received it, its own times on the device's two clocks, and
      how far the device's wall clock stood from the collector's (device minus collector) and how sure that is.
      `protobuf` writes length-delimited messages with the payload in them (docs/recording.md has the type).

      A Foxglove server (foxglove.websocket.v1) begins to play when a viewer subscribes, and leaves messages out for one
      that is too slow. Browsers' pages may connect from Foxglove's own sites, from this machine, and from where
      --allow-origin says.

      As an agent it needs [agent] and [collector] of an agent's configuration; sources in it are not used. The device is
      the one of that pair: make one of its own, because a device has one agent. Every stream is sent reliably with its
      messages' own times, and the replay ends when the collector has all of it on disk.

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
  @Option(
    help: ArgumentHelp(
      "Serve viewers such as Foxglove there, at 127.0.0.1 unless a host is given.", valueName: "[host:]port"))
  var foxglove: ListenAddress?
  @Option(
    help: ArgumentHelp("With --foxglove: a further page that may connect, such as https://example.org.", valueName: "origin")
  )
  var allowOrigin: [String] = []
  @Option(help: ArgumentHelp("Stream to a collector as this agent's configuration says.", valueName: "file"))
  var agent: String?
  @OptionGroup var selection: SelectionOptions
  @OptionGroup var keys: KeyOptions

  func validate() throws {
    guard speed > 0, speed <= 1_000_000 else { throw ValidationError("--speed is above 0, not \(speed)") }
    if foxglove != nil, agent != nil { throw ValidationError("--foxglove and --agent are two replays: give one of them") }
    if foxglove == nil, !allowOrigin.isEmpty { throw ValidationError("--allow-origin belongs to --foxglove") }
  }

  func run() throws {
    try readingRecordings {
      let tracks = try RecordingFiles.tracks(at: recording)
      let sources = try keys.sources()
      let wanted = selection.selection
      var streams: [PlayedStream] = []
      if foxglove != nil || agent != nil { streams = try RecordedStreams.scan(tracks, keys: sources, wanted) }
      let ahead = try ReadAhead(tracks, keys: sources, wanted, loops: loop)
      if let agent {
        try ReplayAgent.run(ahead, streams, configurationPath: agent, speed: speed, waits: !fast)
      } else {
        try play(ahead, streams)
      }
      return try ahead.finish()
    }
  }

  private func play(_ ahead: ReadAhead, _ streams: [PlayedStream]) throws {
    let terminal = try TerminalKeys()
    let output = try makeOutput(streams)
    if let server = output as? FoxgloveOutput {
      writeToStandardError(
        "open ws://\(foxglove?.host ?? ""):\(server.port) in Foxglove; the replay begins with the first subscription\n")
      guard try server.waitForViewer(terminal) else { return }
    }
    var player = Player(speed: speed, waits: !fast, keys: terminal)
    let began = Clocks.monotonic
    try player.play(ahead.queue, to: output)
    for line in try output.finish() { writeToStandardError(line + "\n") }
    if !fast, player.lateness.count > 0 {
      let seconds = rounded(Double(Clocks.monotonic - began) / 1e9, 2)
      writeToStandardError("\(player.messageCount) messages in \(seconds) s; \(player.lateness.text)\n")
    }
  }

  private func makeOutput(_ streams: [PlayedStream]) throws -> any ReplayOutput {
    if let foxglove {
      return try FoxgloveOutput(
        streams, host: foxglove.host, port: foxglove.port, name: "stt replay \(recording)", origins: allowOrigin)
    }
    switch format {
    case .text: return TextOutput()
    case .view: return TerminalView()
    case .ndjson: return NDJSONOutput()
    case .protobuf: return DelimitedOutput()
    }
  }
}

/// Where a server listens: `8765`, `0.0.0.0:8765`, `[::1]:8765`.
struct ListenAddress: ExpressibleByArgument {
  let host: String
  let port: Int

  init?(argument: String) {
    let colon = argument.lastIndex(of: ":")
    let text = colon.map { argument[argument.index(after: $0)...] } ?? argument[...]
    guard let number = UInt16(text) else { return nil }
    port = Int(number)
    var name = colon.map { String(argument[..<$0]) } ?? "127.0.0.1"
    if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
    guard !name.isEmpty else { return nil }
    host = name
  }
}
