import ArgumentParser
import STTJSON
import STTRecord
import STTRecorder

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls",
    abstract: "Lists recordings: a line for each segment, with device, streams, times, size and state.",
    discussion: """
      It reads the summaries at the files' ends and checks nothing: that is `stt verify`. Streams of sealed files show
      with a key. States: finished; recovered (ended after a crash); unfinished (being recorded, or cut by a crash);
      damaged (no MCAP file, or altered). `stt catalogue list` asks the index of a recordings' root by device, stream and
      time, and opens no segment.

      Exit codes: 0 listed; 2 nothing can be read there.
      """)

  @Argument(help: "A .mcap file, a device's folder, or the recordings' root.")
  var recording: String

  @Option(help: "text or json (one object with `segments`).")
  var format = OutputFormat.text

  @OptionGroup var keys: KeyOptions

  func run() throws {
    var lines: [ListedSegment] = []
    do {
      let sources = try keys.sources()
      let hasKeys = !(keys.keys.isEmpty && keys.pair.isEmpty && keys.recipientKey.isEmpty)
      for track in try RecordingFiles.tracks(at: recording) {
        for path in track.files { lines.append(try ListedSegment(path, hasKeys ? sources : nil)) }
      }
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
    if format == .json {
      var root = JSONObject()
      root.set("segments", lines.map(\.json))
      output(root.text + "\n")
      return
    }
    let width = max(6, lines.map(\.device.count).max() ?? 0)
    output(
      "\(column("device", width))  \(column("from", 27))  \(column("lasts", 12, right: true))  \(column("size", 10, right: true))  \(column("messages", 10, right: true))  \(column("seal", 6))  \(column("state", 10))  streams\n"
    )
    for line in lines { output(line.text(width)) }
  }
}

/// A line of the list.
private struct ListedSegment {
  let path: String
  let byteCount: UInt64
  private(set) var device = ""
  private(set) var streams: [String] = []
  private(set) var firstTime: UInt64?
  private(set) var lastTime: UInt64 = 0
  private(set) var messageCount: UInt64?
  private(set) var isSealed = false
  private(set) var state = "finished"

  /// - Parameter keys: open what is sealed, if there are any.
  init(_ path: String, _ keys: KeySources?) throws {
    self.path = path
    let source = try FileSource(path)
    byteCount = source.byteCount
    let folders = path.split(separator: "/")
    if folders.count >= 3 { device = String(folders[folders.count - 3]) }
    guard let outline = try SegmentOutline.read(source), outline.isPlain || keys == nil else {
      try walk(source, keys ?? KeySources())
      return
    }
    isSealed = !outline.isPlain
    if outline.lastTime > 0 { (firstTime, lastTime) = (outline.firstTime, outline.lastTime) }
    if outline.isRecovered { state = "recovered" }
    guard outline.isPlain else { return }
    messageCount = outline.messageCounts.values.reduce(0) { $0.addingReportingOverflow($1).partialValue }
    take(outline.channels)
  }

  /// Without a summary, or where that doesn't tell, what the file holds has to be read.
  private mutating func walk(_ source: FileSource, _ keys: KeySources) throws {
    let report = try SegmentVerifier.verify(source, decompressor: Zstandard(), opener: SegmentUnsealer(keys))
    isSealed = report.seal != nil
    state =
      switch report.verdict {
      case .intact: report.metadata.contains { $0.name == SealNote.recoveryName } ? "recovered" : "finished"
      case .truncated: "unfinished"
      case .altered: "damaged"
      }
    guard report.isOpened else { return }
    take(report.channels.map(\.channel))
    messageCount = report.messageCount
    firstTime = report.channels.map(\.firstLogTime).min()
    lastTime = report.channels.map(\.lastLogTime).max() ?? 0
  }

  private mutating func take(_ channels: [RecordedChannel]) {
    streams = Set(channels.map(\.topic)).sorted()
    if let name = channels.lazy.compactMap({ $0.metadata["stt.device"] }).first { device = name }
  }

  func text(_ width: Int) -> String {
    var text = "\(column(device, width))  \(column(firstTime.map { timeText($0) } ?? "-", 27))"
    let lasts = firstTime.map { durationText(lastTime > $0 ? lastTime - $0 : 0) } ?? "-"
    text += "  \(column(lasts, 12, right: true))  \(column(sizeText(byteCount), 10, right: true))"
    text += "  \(column(messageCount.map { "\($0)" } ?? "-", 10, right: true))  \(column(isSealed ? "sealed" : "plain", 6))"
    text += "  \(column(state, 10))  \(streams.isEmpty ? "-" : streams.joined(separator: " "))\n    \(path)\n"
    return text
  }

  var json: JSONObject {
    var object = JSONObject()
    object.set("path", path)
    object.set("device", device)
    object.set("bytes", byteCount)
    if let firstTime {
      object.set("firstReceivedNanoseconds", firstTime)
      object.set("lastReceivedNanoseconds", lastTime)
    }
    if let messageCount { object.set("messages", messageCount) }
    object.set("sealed", isSealed)
    object.set("state", state)
    object.set(
      "streams",
      streams.map { name in
        var stream = JSONObject()
        stream.set("name", name)
        return stream
      })
    return object
  }
}
