import ArgumentParser
import STTJSON

struct CatalogueGapsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gaps",
    abstract: "Lists times in which a stream sent nothing, and messages whose numbers are not there.",
    discussion: """
      A gap lasts at least 2 s and more than five of the stream's usual intervals, within a segment or between two; of
      each stream the 32 longest of a segment are known, to within a chunk's age. A line with `missing` says in which time
      so many numbers are not there. Of sealed segments only times show in which nothing at all was received.

      Exit codes: 0 listed, also where there is none; 2 the catalogue can't be used.
      """)

  @OptionGroup var options: CatalogueOptions

  func run() throws {
    let histories = try options.folders().flatMap { CatalogueHistory.all($0) }
    if options.format == .json {
      var root = JSONObject()
      root.set("gaps", histories.flatMap { history in history.gaps.map { Self.json(history, $0) } })
      output(root.text + "\n")
      return
    }
    let width = max(6, histories.map(\.folder.count).max() ?? 0)
    let names = max(8, histories.map(\.topic.count).max() ?? 0)
    output(
      "\(column("folder", width))  \(column("stream", names))  \(column("from", 27))  \(column("lasts", 12, right: true))  missing\n"
    )
    for history in histories {
      for gap in history.gaps.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
        let lasts = durationText(UInt64(clamping: gap.end.subtractingReportingOverflow(gap.begin).partialValue))
        output(
          "\(column(history.folder, width))  \(column(history.topic.isEmpty ? "(sealed)" : history.topic, names))  \(column(timeText(UInt64(clamping: gap.begin)), 27))  \(column(lasts, 12, right: true))  \(column(gap.missingCount > 0 ? "\(gap.missingCount)" : "-", 7, right: true))\n"
        )
      }
    }
  }

  private static func json(_ history: CatalogueHistory, _ gap: CatalogueHistory.Gap) -> JSONObject {
    var object = JSONObject()
    object.set("folder", history.folder)
    object.set("stream", history.topic)
    object.set("fromNanoseconds", gap.begin)
    object.set("untilNanoseconds", gap.end)
    object.set("missing", gap.missingCount)
    return object
  }
}
