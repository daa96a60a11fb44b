import Glibc
import LinuxEvents

/// A table of all streams that stays in its place: rates and last values.
final class TerminalView: ReplayOutput {
  private struct Row {
    var stream: PlayedStream
    var last: PlayedMessage
    var count: UInt64 = 0
    var byteCount: UInt64 = 0
    /// The last renewal's time and count, and the rate since the one before.
    var mark: (time: UInt64, count: UInt64) = (0, 0)
    var rate = 0.0
  }

  /// By the stream's index.
  private var rows: [Row?] = []
  private var lineCount = 0
  private var renewedAt: UInt64 = 0
  private let output = ByteOutput()

  func play(_ message: PlayedMessage) throws {
    let index = message.stream.index
    while rows.count <= index { rows.append(nil) }
    var row = rows[index] ?? Row(stream: message.stream, last: message)
    row.last = message
    row.count += 1
    row.byteCount += UInt64(message.payload.count)
    rows[index] = row
    if Clocks.monotonic - renewedAt > 200_000_000 {
      try renew(ReplayState(media: message.logTime, speed: 0, isPaused: false))
    }
  }

  func rest(_ state: ReplayState) throws {
    guard Clocks.monotonic - renewedAt > 90_000_000 else { return }
    try renew(state)
  }

  private func renew(_ state: ReplayState) throws {
    let now = Clocks.monotonic
    renewedAt = now
    var size = winsize()
    let isKnown = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 20
    let width = isKnown ? Int(size.ws_col) : 100
    let height = isKnown ? Int(size.ws_row) : 24
    var lines = [
      "\(timeText(state.media))\(state.speed > 0 ? "  \(rounded(state.speed, 2))×" : "")\(state.isPaused ? "  paused" : "")"
    ]
    for index in rows.indices {
      guard var row = rows[index] else { continue }
      if now - row.mark.time > 1_000_000_000 {
        if row.mark.time > 0 { row.rate = Double(row.count - row.mark.count) / (Double(now - row.mark.time) / 1e9) }
        row.mark = (now, row.count)
        rows[index] = row
      }
      lines.append(
        "\(column(row.stream.topic, 24))  \(column("\(row.count)", 9, right: true))  \(column(rounded(row.rate, 1) + " Hz", 11, right: true))  \(column(sizeText(row.byteCount), 10, right: true))  \(TextOutput.values(row.last))"
      )
    }
    lines.append("space: pause   .: one message   +/-: speed   q: quit")
    let shown = lines.prefix(max(3, height - 1))
    if lineCount > 0 { output.text("\u{1B}[\(lineCount)A") }
    for line in shown { output.text("\r\u{1B}[K\(line.prefix(width - 1))\n") }
    lineCount = shown.count
    try output.flush()
  }

  func finish() throws -> [String] {
    try renew(ReplayState(media: rows.compactMap { $0?.last.logTime }.max() ?? 0, speed: 0, isPaused: false))
    return []
  }
}
