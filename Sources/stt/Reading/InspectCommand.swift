import ArgumentParser
import STTJSON
import STTRecord
import STTSample

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows what a recording holds: streams, fields and units, counts, rates, times, gaps.",
    discussion: """
      For each stream a line shows how busy it was over the recording's time: a dot is a time without a message.
      `missing` counts messages whose numbers are not there; a gap is the longest time without a message, where it is
      more than five of its usual intervals.

      Exit codes: 0 shown; 2 the recording can't be read, or is sealed and no key given opens it.
      """)

  @Argument(help: "A .mcap file, a device's folder, or the recordings' root.")
  var recording: String

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var keys: KeyOptions

  func run() throws {
    let summary: RecordingSummary
    let tracks: [RecordingFiles.Track]
    var facts = FolderFacts()
    do {
      tracks = try RecordingFiles.tracks(at: recording)
      summary = try RecordingSummary(
        tracks, keys: try keys.sources(), message: { message, channel, folder in facts.note(message, channel, folder) })
      if let file = summary.files.first(where: { !$0.report.isOpened }) {
        throw SegmentLocked(path: file.path, slots: file.report.seal?.note.slots ?? [])
      }
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
    facts.finish(summary)
    if format == .json {
      var root = JSONObject()
      root.set("verdict", summary.verdict.rawValue)
      root.set("files", summary.files.map(Self.json))
      root.set("streams", tracks.indices.flatMap { facts.streams($0) }.map(Self.json))
      output(root.text + "\n")
    } else {
      for (folder, track) in tracks.enumerated() {
        output(Self.text(track, summary.files.filter { $0.folder == folder }, facts.streams(folder)))
      }
    }
  }

  private static func text(
    _ track: RecordingFiles.Track, _ files: [RecordingSummary.File], _ streams: [StreamFacts]
  ) -> String {
    let messages = files.reduce(0) { $0 + $1.report.messageCount }
    let bytes = files.reduce(0) { $0 + $1.byteCount }
    let sealed = files.count { $0.report.seal != nil }
    var text = "\(track.folder)\n  \(files.count) segment(s), \(sizeText(bytes)), \(messages) messages"
    if sealed > 0 { text += ", sealed" }
    if let first = streams.map(\.firstTime).min(), let last = streams.map(\.lastTime).max() {
      text += "\n  \(timeText(first)) to \(timeText(last)), \(durationText(last - first))"
    }
    text += "\n"
    for file in files where file.report.verdict != .intact {
      text += "  \(file.path): \(file.report.verdict.rawValue)\(file.report.damage.map { " \($0)" } ?? "")\n"
    }
    let width = max(12, streams.map(\.topic.count).max() ?? 0)
    text += "  \(column("stream", width))  \(column("messages", 9, right: true))  \(column("rate", 10, right: true))"
    text += "  \(column("bytes", 10, right: true))  missing  activity\n"
    let length = streams.map(\.activity.length).max() ?? 0
    for stream in streams { text += Self.text(stream, width, length) }
    return text
  }

  private static func text(_ stream: StreamFacts, _ width: Int, _ length: Int) -> String {
    var text = "  \(column(stream.topic, width))  \(column("\(stream.messageCount)", 9, right: true))"
    text += "  \(column(rounded(stream.rate, 2) + " Hz", 10, right: true))"
    text += "  \(column(sizeText(stream.byteCount), 10, right: true))  \(column("\(stream.missingCount)", 7, right: true))"
    text += "  \(stream.activity.text(length))\n"
    let indent = "  \(column("", width))    "
    if let schema = stream.schema {
      let fields = stream.members.map { $0.unit.isEmpty ? $0.name : "\($0.name) [\($0.unit)]" }
      text += "\(indent)\(schema.name): \(fields.joined(separator: ", "))\n"
    }
    if let gap = stream.gap {
      text += "\(indent)gap: nothing for \(durationText(gap.nanoseconds)) from \(timeText(gap.begin))\n"
    }
    return text
  }

  private static func json(_ stream: StreamFacts) -> JSONObject {
    var object = JSONObject()
    object.set("device", stream.device)
    object.set("name", stream.topic)
    object.set("schema", stream.schema?.name ?? "")
    object.set("messages", stream.messageCount)
    object.set("bytes", stream.byteCount)
    object.set("missing", stream.missingCount)
    object.set("rateHertz", stream.rate)
    object.set("firstReceivedNanoseconds", stream.firstTime)
    object.set("lastReceivedNanoseconds", stream.lastTime)
    if let gap = stream.gap {
      var longest = JSONObject()
      longest.set("fromNanoseconds", gap.begin)
      longest.set("nanoseconds", gap.nanoseconds)
      object.set("gap", longest)
    }
    return object
  }

  private static func json(_ file: RecordingSummary.File) -> JSONObject {
    var object = JSONObject()
    object.set("path", file.path)
    object.set("bytes", file.byteCount)
    object.set("verdict", file.report.verdict.rawValue)
    object.set("messages", file.report.messageCount)
    object.set("chunks", file.report.chunkCount)
    object.set(
      "streams",
      file.report.channels.map { channel in
        var stream = JSONObject()
        stream.set("name", channel.channel.topic)
        stream.set("schema", file.report.schemas[channel.channel.schema]?.name ?? "")
        stream.set("messages", channel.messageCount)
        stream.set("bytes", channel.payloadByteCount)
        stream.set("missing", channel.missingCount)
        stream.set("rateHertz", channel.rate)
        stream.set("firstReceivedNanoseconds", channel.firstLogTime)
        stream.set("lastReceivedNanoseconds", channel.lastLogTime)
        stream.set(
          "fields",
          members(channel, file.report).map { member in
            var field = JSONObject()
            field.set("name", member.name)
            field.set("unit", member.unit)
            return field
          })
        return stream
      })
    return object
  }

  private static func members(_ channel: SegmentReport.Channel, _ report: SegmentReport) -> [MessageLayout.Member] {
    guard let schema = report.schemas[channel.channel.schema], schema.encoding == "protobuf" else { return [] }
    return MessageLayout.all(in: schema.data)[schema.name]?.members ?? []
  }
}

/// Facts of every folder's streams.
private struct FolderFacts {
  private struct Key: Hashable {
    var folder: Int
    var device: String
    var topic: String
  }

  private var places: [Key: Int] = [:]
  private var facts: [(folder: Int, stream: StreamFacts)] = []
  /// By folder: when its first message was received.
  private var origins: [UInt64] = []
  /// The place of the channel met last: messages come in runs.
  private var last: (channel: UInt16, key: Key, place: Int)?

  mutating func note(_ message: borrowing RecordedMessage, _ channel: RecordedChannel, _ folder: Int) {
    while origins.count <= folder { origins.append(message.logTime) }
    facts[place(channel, folder)].stream.note(message)
  }

  private mutating func place(_ channel: RecordedChannel, _ folder: Int) -> Int {
    if let last, last.channel == channel.id, last.key.folder == folder, last.key.topic == channel.topic { return last.place }
    let key = Key(folder: folder, device: channel.metadata["stt.device"] ?? "", topic: channel.topic)
    let place = places[key] ?? facts.count
    if place == facts.count {
      places[key] = place
      facts.append((folder, StreamFacts(channel, origin: folder < origins.count ? origins[folder] : 0)))
    }
    last = (channel.id, key, place)
    return place
  }

  /// Adds what only whole files tell: schemas, and numbers that are missing.
  mutating func finish(_ summary: RecordingSummary) {
    for file in summary.files {
      for channel in file.report.channels {
        let place = place(channel.channel, file.folder)
        facts[place].stream.missingCount &+= channel.missingCount
        if let schema = file.report.schemas[channel.channel.schema] { facts[place].stream.schema = schema }
      }
    }
    align()
  }

  /// All lines of a folder show the same time.
  private mutating func align() {
    for folder in Set(facts.map(\.folder)) {
      let places = facts.indices.filter { facts[$0].folder == folder }
      let span = places.map { facts[$0].stream.activity.span }.max() ?? 0
      for place in places { facts[place].stream.activity.widen(to: span) }
    }
  }

  func streams(_ folder: Int) -> [StreamFacts] {
    facts.filter { $0.folder == folder }.map(\.stream).sorted { ($0.device, $0.topic) < ($1.device, $1.topic) }
  }
}
