import ArgumentParser
import STTJSON
import STTRecord
import STTSample

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows what a recording holds: streams, fields and units, counts, rates, times, gaps.",
    discussion: "Exit codes: 0 shown; 2 the recording can't be read, or is sealed and no key given opens it.")

  @Argument(help: "A .mcap file, a device's folder, or the recordings' root.")
  var recording: String

  @Option(help: "text or json.")
  var format = OutputFormat.text

  @OptionGroup var keys: KeyOptions

  func run() throws {
    let summary: RecordingSummary
    do {
      summary = try RecordingSummary(try RecordingFiles.tracks(at: recording), keys: try keys.sources())
      if let file = summary.files.first(where: { !$0.report.isOpened }) {
        throw SegmentLocked(path: file.path, slots: file.report.seal?.note.slots ?? [])
      }
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
    if format == .json {
      var root = JSONObject()
      root.set("verdict", summary.verdict.rawValue)
      root.set("files", summary.files.map(Self.json))
      output(root.text + "\n")
    } else {
      for file in summary.files { output(Self.text(file)) }
    }
  }

  private static func text(_ file: RecordingSummary.File) -> String {
    let report = file.report
    var text =
      "\(file.path)\n  \(sizeText(file.byteCount)), \(report.chunkCount) chunks, \(report.messageCount) messages, \(report.verdict.rawValue)\n"
    if let damage = report.damage { text += "  damage \(damage)\n" }
    let streams = report.channels.sorted { $0.channel.topic < $1.channel.topic }
    let width = max(12, streams.map(\.channel.topic.count).max() ?? 0)
    text +=
      "  \(column("stream", width))  \(column("messages", 9, right: true))  \(column("rate", 10, right: true))  \(column("bytes", 10, right: true))  missing  first received\n"
    for channel in streams {
      text += "  \(column(channel.channel.topic, width))  \(column("\(channel.messageCount)", 9, right: true))"
      text += "  \(column(rounded(channel.rate, 2) + " Hz", 10, right: true))"
      text +=
        "  \(column(sizeText(channel.payloadByteCount), 10, right: true))  \(column("\(channel.missingCount)", 7, right: true))  \(timeText(channel.firstLogTime))\n"
      let members = Self.members(channel, report)
      if !members.isEmpty {
        let fields = members.map { $0.unit.isEmpty ? $0.name : "\($0.name) [\($0.unit)]" }
        text += "  \(column("", width))    \(fields.joined(separator: ", "))\n"
      }
    }
    return text
  }

  private static func members(_ channel: SegmentReport.Channel, _ report: SegmentReport) -> [MessageLayout.Member] {
    guard let schema = report.schemas[channel.channel.schema], schema.encoding == "protobuf" else { return [] }
    return MessageLayout.all(in: schema.data)[schema.name]?.members ?? []
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
}

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls",
    abstract: "Lists recordings: a line for each segment.",
    discussion: "Exit codes: 0 listed; 2 nothing can be read there.")

  @Argument(help: "A device's folder or the recordings' root.")
  var recording: String

  @OptionGroup var keys: KeyOptions

  func run() throws {
    do {
      let summary = try RecordingSummary(try RecordingFiles.tracks(at: recording), keys: try keys.sources())
      for file in summary.files {
        let last = file.report.channels.map(\.lastLogTime).max() ?? 0
        output(
          "\(column(file.report.isOpened ? file.report.verdict.rawValue : "locked", 9))  \(column(sizeText(file.byteCount), 10, right: true))  \(column("\(file.report.messageCount)", 9, right: true)) messages  to \(timeText(last))  \(file.path)\n"
        )
      }
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
  }
}
