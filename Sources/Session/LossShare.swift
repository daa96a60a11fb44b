/// The share of packets that got lost lately: of the last second at least, and of the last hundred.
struct LossShare: Sendable {
  private static let fewest = 100
  private static let shortest = UInt64.seconds(1)

  private var since: MonotonicTime
  private var present = (sent: 0, lost: 0)
  private var last = (sent: 0, lost: 0)

  init(now: MonotonicTime) { since = now }

  mutating func noteSent(_ now: MonotonicTime) {
    if present.sent >= Self.fewest, now.since(since) >= Self.shortest {
      last = present
      present = (0, 0)
      since = now
    }
    present.sent += 1
  }

  mutating func noteLost() { present.lost += 1 }

  /// A packet was given up and had only been late.
  mutating func noteLate() { present.lost -= 1 }

  /// 0 to 1; 0 before there is enough to tell.
  var value: Double {
    let sent = present.sent + last.sent
    return sent < Self.fewest ? 0 : Double(max(0, present.lost + last.lost)) / Double(sent)
  }
}
