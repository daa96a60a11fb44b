import LinuxEvents
import Logging
import STTAgentRuntime
import STTBoard
import STTConfig
import STTRecord

/// A recording as a device that streams it to a collector.
enum ReplayAgent {
  struct NothingToSend: Error, CustomStringConvertible {
    let description = "there is no stream of a device in that part of the recording"
  }

  /// Memory for messages of any size, and for what a fast replay keeps in flight.
  private static let memoryByteCount = 256 << 20
  private static let unacknowledgedByteCount = 64 << 20

  /// Streams until the recording's end is acknowledged, or a signal comes.
  static func run(
    _ ahead: ReadAhead, _ recorded: [PlayedStream], configurationPath: String, speed: Double, waits: Bool
  ) throws {
    var configuration = try ConfigFile(configurationPath).agent(needsSources: false)
    configuration.buffers.memoryByteCount = max(configuration.buffers.memoryByteCount, memoryByteCount)
    configuration.buffers.unacknowledgedByteCount = max(
      configuration.buffers.unacknowledgedByteCount, unacknowledgedByteCount)
    // What the recorder noted, the other recorder notes itself.
    let streams = recorded.filter { !$0.isNote }
    guard !streams.isEmpty else { throw NothingToSend() }
    let feed = ReplayFeed(ahead.queue, streams, speed: speed, waits: waits)
    let names = names(streams)
    let sources = streams.indices.map { ReplaySource(feed, stream: $0, streams[$0], name: names[$0]) }
    var log = Logger(label: "stt-replay") { StreamLogHandler.standardError(label: $0) }
    log.logLevel = .notice
    let began = Clocks.monotonic
    var agent = try Agent.open(
      configuration, run: AgentRun(endsWithSources: true), sources: [SourceGroup(name: "replay", sources)], log: log)
    try agent.stream()
    let seconds = rounded(Double(Clocks.monotonic - began) / 1e9, 2)
    let lateness = waits ? "; \(feed.lateness.text)" : ""
    writeToStandardError("\(feed.messageCount) messages sent in \(seconds) s\(lateness)\n")
  }

  /// Streams keep their names; where several devices, or several schemas, have the same, the device's or a number
  /// tells them apart. An agent notes its own events in `stt/agent`.
  private static func names(_ streams: [PlayedStream]) -> [String] {
    let devices = Set(streams.map(\.device))
    var taken: Set<String> = ["stt/agent"]
    return streams.map { stream in
      let name = devices.count > 1 ? "\(stream.device)/\(stream.topic)" : stream.topic
      var candidate = name == "stt/agent" ? "stt/agent/recorded" : name
      var number = 2
      while !taken.insert(candidate).inserted {
        candidate = "\(name)/\(number)"
        number += 1
      }
      return candidate
    }
  }
}
