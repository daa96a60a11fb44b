/// What a relay did so far.
public struct RelayReport: Hashable, Sendable {
  /// One direction's datagrams.
  public struct Direction: Hashable, Sendable {
    public var received: UInt64 = 0
    /// UDP payload bytes of those.
    public var receivedBytes: UInt64 = 0
    public var lost: UInt64 = 0
    /// Dropped by the full queue of the limited link.
    public var overflowed: UInt64 = 0
    public var repeated: UInt64 = 0
    /// Sent on, repetitions included.
    public var forwarded: UInt64 = 0

    public init() {}
  }

  /// From those who call to the address the relay leads to.
  public var there = Direction()
  public var back = Direction()
  /// Senders seen.
  public var callers = 0
  /// Harm that was not asked for: arrivals the kernel had no room for, datagrams the kernel would not send,
  /// and those that found the relay's own memory full.
  public var overruns: UInt64 = 0
  public var refused: UInt64 = 0
  public var crowdedOut: UInt64 = 0
  /// How much later than decided datagrams left.
  public var lateness = Lateness()
  /// Nanoseconds of CPU its thread used.
  public var cpuNanoseconds: UInt64 = 0
  /// Whether its thread runs before all ordinary ones, which needs privilege.
  public var isRealTime = false

  public init() {}
}

/// A count of delays in steps of a quarter of a power of two.
public struct Lateness: Hashable, Sendable {
  private var counts = [UInt64](repeating: 0, count: 4 * 40)
  private var sum: UInt64 = 0
  public private(set) var count: UInt64 = 0
  /// Nanoseconds.
  public private(set) var largest: UInt64 = 0

  public init() {}

  public mutating func note(_ nanoseconds: UInt64) {
    count += 1
    sum &+= nanoseconds
    largest = max(largest, nanoseconds)
    counts[min(counts.count - 1, Self.step(nanoseconds))] += 1
  }

  /// Nanoseconds.
  public var mean: UInt64 { count == 0 ? 0 : sum / count }

  /// Nanoseconds that `percent` of all stay below, to within a fifth.
  public func percentile(_ percent: Double) -> UInt64 {
    let wanted = Double(count) * percent / 100
    var seen: UInt64 = 0
    for (index, count) in counts.enumerated() {
      seen += count
      guard count > 0, Double(seen) >= wanted else { continue }
      // The last step has no end.
      return index == counts.count - 1 ? largest : min(largest, Self.end(of: index))
    }
    return largest
  }

  /// Two bits after the leading one tell the quarter.
  private static func step(_ value: UInt64) -> Int {
    guard value >= 4 else { return Int(value) }
    let exponent = UInt64.bitWidth - 1 - value.leadingZeroBitCount
    return (exponent - 1) * 4 + Int(value >> UInt64(exponent - 2) & 3)
  }

  private static func end(of step: Int) -> UInt64 {
    guard step >= 4 else { return UInt64(step) }
    return UInt64(step % 4 + 5) << UInt64(step / 4 - 1) - 1
  }
}
