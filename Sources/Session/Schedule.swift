import BasicContainers
/// Which stream may fill the next datagram first (docs/protocol.md 2.15).
///
/// Strictly by priority, but every lower priority goes first in one datagram of twenty, so that none
/// starves. Equals take turns, except that a stream with deadlines goes before its equals when its
/// deadline is the nearest.
struct Schedule {
  /// A lower priority is served first once in so many datagrams: a share of 5 % at least.
  private static let share = 20

  /// Streams of equal priority.
  private struct Level {
    var range: Range<Int>
    var hasDeadlines: Bool
  }

  /// Stream indices, most urgent priority first.
  private(set) var order: [Int] = []
  private var levels: [Level] = []

  init() {}

  /// - Parameter streams: priority, 0 the most urgent, and whether messages have deadlines.
  init(_ streams: [(priority: UInt8, hasDeadlines: Bool)]) {
    order = streams.indices.sorted { (streams[$0].priority, $0) < (streams[$1].priority, $1) }
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, streams[order[end]].priority == streams[order[start]].priority { end += 1 }
      levels.append(
        Level(range: start..<end, hasDeadlines: order[start..<end].contains { streams[$0].hasDeadlines }))
      start = end
    }
  }

  /// One pass over all streams.
  struct Visit {
    fileprivate let turn: Int
    fileprivate let favoured: Int
    fileprivate var level = 0
    fileprivate var place = 0
    /// The stream of this level that was visited out of turn, or -1.
    fileprivate var first = -1
  }

  func visit(_ turn: Int) -> Visit {
    let positive = turn & .max
    let step = positive % max(Self.share, levels.count)
    return Visit(turn: positive, favoured: step < levels.count ? step : 0)
  }

  /// The next stream of `visit`.
  ///
  /// - Parameter urgency: when the stream's most urgent message stops being wanted.
  func next(_ visit: inout Visit, urgency: (Int) -> MonotonicTime) -> Int? {
    while visit.level < levels.count {
      let level = levels[index(visit)]
      if visit.place == 0, visit.first < 0, level.hasDeadlines {
        visit.first = mostUrgent(level.range, urgency)
        if visit.first >= 0 { return visit.first }
      }
      while visit.place < level.range.count {
        let stream = order[level.range.lowerBound + (visit.place + visit.turn) % level.range.count]
        visit.place += 1
        if stream != visit.first { return stream }
      }
      visit.level += 1
      visit.place = 0
      visit.first = -1
    }
    return nil
  }

  /// The favoured level goes first, the others follow by priority.
  private func index(_ visit: Visit) -> Int {
    if visit.level == 0 { return visit.favoured }
    return visit.level <= visit.favoured ? visit.level - 1 : visit.level
  }

  private func mostUrgent(_ range: Range<Int>, _ urgency: (Int) -> MonotonicTime) -> Int {
    var best = (stream: -1, due: MonotonicTime.never)
    for place in range {
      let due = urgency(order[place])
      if due < best.due { best = (order[place], due) }
    }
    return best.stream
  }
}

extension Outbox {
  func nextInTurn(_ visit: inout Schedule.Visit) -> Int? {
    schedule.next(&visit) { urgency($0) }
  }
}
