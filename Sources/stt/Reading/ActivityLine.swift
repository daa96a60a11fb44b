/// How busy a stream was over time, in constant memory: message counts of equal spans, whose length
/// doubles when they no longer reach.
struct ActivityLine {
  static let spanCount = 32

  private var counts = [UInt64](repeating: 0, count: spanCount)
  private let origin: UInt64
  /// Nanoseconds.
  private(set) var span: UInt64 = 1_000_000

  /// - Parameter origin: where the line begins.
  init(origin: UInt64) { self.origin = origin }

  /// Notes a message received at `time`. One before the line's begin counts as there.
  mutating func note(_ time: UInt64) {
    let since = time > origin ? time - origin : 0
    while since / span >= UInt64(Self.spanCount) { double() }
    counts[Int(since / span)] += 1
  }

  /// Makes spans at least as long as another line's, so that both can stand below one another.
  mutating func widen(to span: UInt64) {
    while self.span < span { double() }
  }

  private mutating func double() {
    for place in 0..<Self.spanCount / 2 { counts[place] = counts[2 * place] + counts[2 * place + 1] }
    for place in Self.spanCount / 2..<Self.spanCount { counts[place] = 0 }
    span *= 2
  }

  /// Spans up to the last message's.
  var length: Int { (counts.lastIndex { $0 > 0 } ?? -1) + 1 }

  /// A character for each of `length` spans: its height is the count against the busiest; a dot for none.
  func text(_ length: Int) -> String {
    let most = counts.max() ?? 0
    guard most > 0 else { return "" }
    let bars = Array("▁▂▃▄▅▆▇█")
    return String(
      counts.prefix(length).map { count in
        if count == 0 { return "·" }
        return bars[Int(Double(count) / Double(most) * Double(bars.count - 1) + 0.5)]
      })
  }
}
