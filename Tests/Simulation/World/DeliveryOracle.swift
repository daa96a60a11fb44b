import STTSession
import STTWire

/// What a stream of one incarnation has sent, and what became of it.
struct StreamHistory {
  let plan: StreamPlan
  let index: Int
  let incarnation: UInt64
  /// When each message of a PARTIAL stream stops being wanted.
  var deadlines: [MonotonicTime] = []
  var sentCount: UInt64 = 0
  /// One past the highest message that was ever delivered or skipped.
  var furthest: UInt64 = 0
  /// What was delivered of an UNRELIABLE stream.
  var seen: Set<UInt64> = []
  /// Below this the device was promised that all is on disk.
  var promised: UInt64 = 0
  var deliveredCount: UInt64 = 0
  var skippedCount: UInt64 = 0
  var isFinished = false
  var isEnded = false

  func seed(_ number: UInt64) -> UInt64 { Payload.seed(stream: index, incarnation: incarnation, number: number) }
}

/// Knows what was sent, and judges all that is delivered, skipped and promised.
package struct DeliveryOracle {
  var streams: [StreamKey: StreamHistory] = [:]
  private(set) var violations: [String] = []
  package private(set) var deliveredCount = 0

  package init() {}

  private mutating func violate(_ key: StreamKey, _ what: String) {
    guard violations.count < 20 else { return }
    let name = streams[key].map { "\($0.plan.name)/\($0.incarnation)" } ?? "an unknown stream"
    violations.append("\(name): \(what)")
  }

  mutating func takeViolations() -> [String] {
    defer { violations.removeAll() }
    return violations
  }

  mutating func opened(_ open: StreamOpen) {
    let key = StreamKey(uid: open.uid, incarnation: open.incarnation)
    guard let plan = streams[key]?.plan, plan.name == open.name, plan.delivery == open.delivery,
      plan.isDurable == open.isDurable
    else { return violate(key, "was opened, though nobody did") }
  }

  /// - Parameter position: one past the last message that the sink has.
  mutating func delivered(
    _ key: StreamKey, _ number: UInt64, _ time: MessageTime, _ payload: RawSpan, position: UInt64
  ) {
    deliveredCount += 1
    guard let history = streams[key] else { return violate(key, "message \(number) was delivered") }
    guard number < history.sentCount else { return violate(key, "message \(number) was delivered and never sent") }
    let seed = history.seed(number)
    if payload.byteCount != history.plan.byteCount(seed: seed) || time.wallNanoseconds != seed
      || !Payload.matches(payload, seed: seed)
    {
      violate(key, "message \(number) was delivered and is not what was sent")
    }
    switch history.plan.delivery {
    case .reliable, .partial:
      if number != position { violate(key, "message \(number) was delivered, and \(position) was next") }
    case .latest:
      if number < position { violate(key, "message \(number) was delivered after \(position - 1)") }
    case .unreliable:
      if history.seen.contains(number) { violate(key, "message \(number) was delivered twice") }
    }
    streams[key]?.deliveredCount += 1
    streams[key]?.furthest = max(history.furthest, number + 1)
    if history.plan.delivery == .unreliable { streams[key]?.seen.insert(number) }
  }

  mutating func skipped(_ key: StreamKey, _ numbers: Range<UInt64>, position: UInt64, now: MonotonicTime) {
    guard let history = streams[key] else { return violate(key, "\(numbers) were skipped") }
    if numbers.lowerBound != position { violate(key, "\(numbers) were skipped, and \(position) was next") }
    if numbers.upperBound > history.sentCount { violate(key, "\(numbers) were skipped and never sent") }
    for number in numbers where number >= history.furthest || history.plan.isDurable {
      // What was delivered once, not durable, and lost with the collector's power is gone.
      let isLate =
        history.plan.delivery == .partial && number < history.sentCount && history.deadlines[Int(number)] <= now
      if !isLate {
        violate(key, "message \(number) was skipped before its time")
        break
      }
    }
    streams[key]?.skippedCount += UInt64(numbers.count)
    streams[key]?.furthest = max(history.furthest, numbers.upperBound)
  }

  mutating func ended(_ key: StreamKey, at end: UInt64, position: UInt64) {
    guard let history = streams[key], history.isFinished else { return violate(key, "ended, though nobody finished it") }
    if end != history.sentCount { violate(key, "ended at \(end), and \(history.sentCount) were sent") }
    if history.plan.delivery.isOrdered, position != end, history.furthest != end {
      violate(key, "ended at \(end) before all of it arrived")
    }
    streams[key]?.isEnded = true
  }

  /// The device was told that everything below `number` is on disk.
  mutating func promised(_ key: StreamKey, below number: UInt64) {
    guard let history = streams[key], number > history.promised else { return }
    streams[key]?.promised = number
  }

  /// What the sink has on disk of a stream.
  mutating func holds(_ key: StreamKey, durable: UInt64) {
    guard let history = streams[key], history.plan.isDurable, history.promised > durable else { return }
    violate(key, "below \(history.promised) all was promised to be on disk, and below \(durable) it is")
  }
}
