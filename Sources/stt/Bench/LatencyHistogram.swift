/// Times in whole microseconds up to 65 ms, and how often each was met.
struct LatencyHistogram {
  private static let limit = 65_536
  private var counts = [UInt32](repeating: 0, count: limit + 1)
  private(set) var total: UInt64 = 0
  private(set) var largestNanoseconds: UInt64 = 0

  mutating func note(_ nanoseconds: UInt64) {
    counts[min(Self.limit, Int(nanoseconds / 1000))] &+= 1
    total += 1
    largestNanoseconds = max(largestNanoseconds, nanoseconds)
  }

  /// Microseconds that `share` (0 to 1) of all times stay below; 0 before the first.
  func microseconds(below share: Double) -> Int {
    guard total > 0 else { return 0 }
    let wanted = Double(total) * share
    var seen = 0.0
    for (value, count) in counts.enumerated() {
      seen += Double(count)
      if seen >= wanted { return value }
    }
    return Self.limit
  }
}
