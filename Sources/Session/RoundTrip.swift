/// How long an answer takes (RFC 9002 section 5).
struct RoundTrip: Sendable {
  /// Before the first sample (RFC 9002 section 6.2.2).
  static let initial = UInt64.milliseconds(333)
  /// Timers finer than this are noise (RFC 9002 section 6.1.2).
  static let granularity = UInt64.milliseconds(1)

  private(set) var latest: UInt64 = 0
  private(set) var minimum: UInt64 = .max
  private(set) var smoothed = initial
  private(set) var variation = initial / 2

  var hasSample: Bool { minimum != .max }

  /// - Parameters:
  ///   - sample: nanoseconds from sending the newest acknowledged packet to its acknowledgement.
  ///   - delay: how long the peer says it waited, not more than it promised.
  mutating func add(sample: UInt64, delay: UInt64) {
    latest = sample
    guard hasSample else {
      minimum = sample
      smoothed = sample
      variation = sample / 2
      return
    }
    minimum = min(minimum, sample)
    let adjusted = sample >= minimum + delay ? sample - delay : sample
    let distance = adjusted > smoothed ? adjusted - smoothed : smoothed - adjusted
    variation = (variation * 3 + distance) / 4
    smoothed = (smoothed * 7 + adjusted) / 8
  }

  /// The probe timeout without back-off.
  func probeTimeout(acknowledgementDelay: UInt64) -> UInt64 {
    smoothed + max(variation * 4, Self.granularity) + acknowledgementDelay
  }
}
