/// Spreads datagrams over time at the rate the congestion controller gives (RFC 9002 section 7.7).
///
/// Keeps the time at which the next datagram is due. A sender that fell behind may catch up by one
/// burst.
struct Pacer: Sendable {
  /// A burst this long is cheaper to send than to spread: what waking a thread costs
  /// (docs/decisions/0008).
  static let quantum = UInt64.milliseconds(2)
  /// The burst of a slow link (RFC 9002 section 7.7).
  static let burstDatagrams = 10.0

  /// When the next datagram is due. In the past: so much may go at once.
  private(set) var due: MonotonicTime

  init(now: MonotonicTime) { due = now }

  func allows(now: MonotonicTime) -> Bool { due <= now }

  /// - Parameter nanosecondsPerByte: the reciprocal of the rate; 0: as fast as it goes.
  mutating func sent(_ byteCount: Int, datagram: Int, nanosecondsPerByte: Double, now: MonotonicTime) {
    // A day a datagram is slow enough, and far from where these products would not fit.
    let perByte = min(nanosecondsPerByte, 1e9)
    let burst = max(Self.quantum, UInt64(Self.burstDatagrams * Double(datagram) * perByte))
    let earliest = MonotonicTime(nanoseconds: now.nanoseconds > burst ? now.nanoseconds - burst : 0)
    due = max(due, earliest) + UInt64(Double(byteCount) * perByte)
  }
}
