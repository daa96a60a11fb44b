import ArgumentParser
import STTJSON
import STTRecord

struct CatalogueStreamsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "streams",
    abstract: "Lists the streams of every device: since when, until when, how many messages in how many segments.",
    discussion: """
      Sealed segments are one line for each folder: their streams show with `stt ls --keys`.

      Exit codes: 0 listed; 2 the catalogue can't be used.
      """)

  @OptionGroup var options: CatalogueOptions

  func run() throws {
    let histories = try options.folders().flatMap { CatalogueHistory.all($0) }
    if options.format == .json {
      var root = JSONObject()
      root.set("streams", histories.map(Self.json))
      output(root.text + "\n")
      return
    }
    let width = max(6, histories.map(\.folder.count).max() ?? 0)
    let names = max(8, histories.map(\.topic.count).max() ?? 0)
    output(
      "\(column("folder", width))  \(column("stream", names))  \(column("from", 27))  \(column("until", 27))  \(column("segments", 8, right: true))  \(column("messages", 12, right: true))  missing\n"
    )
    for history in histories {
      var line = "\(column(history.folder, width))  \(column(history.topic.isEmpty ? "(sealed)" : history.topic, names))"
      line += "  \(column(history.firstTime.map { timeText(UInt64(clamping: $0)) } ?? "-", 27))"
      line += "  \(column(history.lastTime.map { timeText(UInt64(clamping: $0)) } ?? "-", 27))"
      line += "  \(column("\(history.segmentCount)", 8, right: true))"
      line += "  \(column(history.messageCount.map { "\($0)" } ?? "-", 12, right: true))"
      output(line + "  \(column(history.messageCount == nil ? "-" : "\(history.missingCount)", 7, right: true))\n")
    }
  }

  private static func json(_ history: CatalogueHistory) -> JSONObject {
    var object = JSONObject()
    object.set("folder", history.folder)
    object.set("name", history.topic)
    object.set("sealed", history.topic.isEmpty)
    object.set("segments", history.segmentCount)
    if let time = history.firstTime { object.set("firstReceivedNanoseconds", time) }
    if let time = history.lastTime { object.set("lastReceivedNanoseconds", time) }
    if let count = history.messageCount {
      object.set("schema", history.schema)
      object.set("messages", count)
      object.set("missing", history.missingCount)
    }
    return object
  }
}
