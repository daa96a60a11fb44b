import STTAgentRuntime
import STTSample

/// A terminal's picture of a source: a line for each value, redrawn in place.
struct WatchScreen {
  private static let plotWidth = 32
  private static let redrawInterval: UInt64 = 100_000_000
  private static let bars: [Character] = Array("▁▂▃▄▅▆▇█")

  private struct Row {
    var stream: String
    var name: String
    var unit: String
    var text: String
    var history: [Double] = []
    var least = Double.infinity
    var most = -Double.infinity
  }

  private struct Pace {
    var count: UInt64 = 0
    var times: [UInt64] = []

    /// Messages a second lately.
    var hertz: Double? {
      guard let first = times.first, let last = times.last, last > first else { return nil }
      return Double(times.count - 1) / (Double(last - first) / 1e9)
    }
  }

  private var rows: [Row] = []
  private var paces: [String: Pace] = [:]
  private var events: [String] = []
  private let streams: [String]
  private var drawnLines = 0
  private var drawnAt: UInt64 = 0

  init(_ streams: [StreamDescription]) { self.streams = streams.map(\.name) }

  mutating func take(_ sight: SourceWatch.Sight) {
    switch sight {
    case .event(_, let event):
      events.append(WatchText.event(event))
      if events.count > 3 { events.removeFirst() }
    case .message(let stream, let time, let fields):
      count(stream.name, time)
      // Lines of one chip are told apart by their names.
      let texts = fields.compactMap { if $0.name == "line", case .text(let text) = $0.value { text } else { nil } }
      let part = fields.count > 1 ? texts.first.map { WatchText.printable($0) + "." } ?? "" : ""
      for field in fields where field.isShown && !(field.name == "line" && !part.isEmpty) {
        note(stream.name, part + field.name, field.unit, WatchText.value(field.value), field.number)
      }
    case .bytes(let stream, let time, let bytes):
      count(stream.name, time)
      note(stream.name, "bytes", "", WatchText.text(bytes), nil)
    }
  }

  private mutating func count(_ stream: String, _ time: SampleTime) {
    var pace = paces[stream] ?? Pace()
    pace.count += 1
    pace.times.append(time.monotonicNanoseconds)
    if pace.times.count > 50 { pace.times.removeFirst() }
    paces[stream] = pace
  }

  private mutating func note(_ stream: String, _ name: String, _ unit: String, _ text: String, _ number: Double?) {
    var index = rows.firstIndex { $0.stream == stream && $0.name == name }
    if index == nil {
      // More no terminal shows.
      guard rows.count < 200 else { return }
      rows.append(Row(stream: stream, name: name, unit: unit, text: text))
      index = rows.count - 1
    }
    guard let index else { return }
    rows[index].text = text
    guard let number else { return }
    rows[index].history.append(number)
    if rows[index].history.count > Self.plotWidth { rows[index].history.removeFirst() }
    rows[index].least = min(rows[index].least, number)
    rows[index].most = max(rows[index].most, number)
  }

  mutating func draw(now: UInt64) {
    guard now >= drawnAt + Self.redrawInterval else { return }
    drawnAt = now
    var lines: [String] = []
    for stream in streams {
      let pace = paces[stream]
      let rate = pace?.hertz.map { ", \(WatchText.number(($0 * 100).rounded() / 100)) Hz" } ?? ""
      lines.append("\(stream): \(pace?.count ?? 0) messages\(rate)")
      let own = rows.filter { $0.stream == stream }
      let width = min(32, own.map(\.name.count).max() ?? 0)
      lines += own.map { Self.line($0, width) }
    }
    lines += events.map { "! \($0)" }
    // Up to where the last picture began; each line to its end, and what is below, is blank.
    let up = drawnLines > 0 ? "\u{1B}[\(drawnLines)A" : ""
    print(up + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J", terminator: "")
    drawnLines = lines.count
  }

  private static func line(_ row: Row, _ width: Int) -> String {
    let name = row.name + String(repeating: " ", count: max(0, width - row.name.count))
    let value = String((row.text + WatchText.unit(row.unit)).prefix(60))
    guard row.history.count > 1, row.most > row.least || row.history.count > 2 else { return "  \(name)  \(value)" }
    let padded = value + String(repeating: " ", count: max(0, 18 - value.count))
    return
      "  \(name)  \(padded)  \(plot(row.history))  \(WatchText.number(row.least))…\(WatchText.number(row.most))"
  }

  /// The values as bars from the least to the most of those shown.
  static func plot(_ values: [Double]) -> String {
    guard let least = values.min(), let most = values.max() else { return "" }
    return String(
      values.map { value in
        guard most > least else { return bars[0] }
        return bars[min(bars.count - 1, Int((value - least) / (most - least) * Double(bars.count)))]
      })
  }
}
