/// How far packets may be overtaken before they count as lost (RFC 9002 section 6.1, made adaptive as
/// in RFC 8985): a packet that was given up and then acknowledged shows that it was less than this path
/// does by itself.
struct Reordering: Sendable {
  private static let fewest: UInt64 = 3
  private static let most: UInt64 = 2048
  /// A path that behaves for so long is trusted again, step by step.
  private static let memory = UInt64.seconds(10)

  /// Later packets acknowledged.
  private(set) var packets = fewest
  /// Eighths of a round trip beyond the first.
  private var eighths: UInt64 = 1
  private var lastLate = MonotonicTime(nanoseconds: 0)

  /// A packet was given up and had only been late, by this many packets at most.
  mutating func noteLate(by distance: UInt64, now: MonotonicTime) {
    packets = min(Self.most, max(packets * 2, min(distance, packets * 8)))
    eighths = min(8, eighths * 2)
    lastLate = now
  }

  mutating func forget(_ now: MonotonicTime) {
    guard packets > Self.fewest, now.since(lastLate) > Self.memory else { return }
    packets = max(Self.fewest, packets / 2)
    eighths = max(1, eighths / 2)
    lastLate = now
  }

  /// How old an unacknowledged packet is lost once a later one was acknowledged.
  func lossDelay(_ roundTrip: RoundTrip) -> UInt64 {
    let base = max(roundTrip.latest, roundTrip.smoothed)
    return max(base + base / 8 * eighths, RoundTrip.granularity)
  }
}
