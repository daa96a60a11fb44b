/// How much may be on the way: NewReno (RFC 9002 section 7).
struct CongestionWindow: Sendable {
  private var datagram: Int
  private(set) var window: Int
  private var threshold = Int.max
  private var recoveryStart: MonotonicTime?
  private(set) var inFlight = 0

  /// - Parameter datagram: bytes of the largest datagram this session sends.
  init(datagram: Int) {
    self.datagram = datagram
    window = min(10 * datagram, max(14_720, 2 * datagram))
  }

  private var minimum: Int { 2 * datagram }

  /// The path carries datagrams of another size: the least window is two of them (RFC 9002 section 7.2).
  mutating func setDatagram(_ byteCount: Int) {
    datagram = byteCount
    window = max(window, minimum)
  }

  /// Another path: nothing is known of it (RFC 9002 section 9.4).
  mutating func restart() {
    window = min(10 * datagram, max(14_720, 2 * datagram))
    threshold = .max
    recoveryStart = nil
  }

  func allows(_ byteCount: Int) -> Bool { inFlight + byteCount <= window }

  mutating func sent(_ byteCount: Int) { inFlight += byteCount }

  /// - Parameter limited: whether the window was what held the sender back; an idle application
  ///   proves nothing about the path (RFC 9002 section 7.8).
  mutating func acknowledged(_ byteCount: Int, sent: MonotonicTime, limited: Bool) {
    inFlight -= byteCount
    if let recoveryStart, sent <= recoveryStart { return }
    guard limited else { return }
    if window < threshold {
      window += byteCount
    } else {
      window += datagram * byteCount / window
    }
  }

  /// One reduction per round trip, however many packets it lost.
  mutating func lost(_ byteCount: Int, sent: MonotonicTime, now: MonotonicTime) {
    inFlight -= byteCount
    if let recoveryStart, sent <= recoveryStart { return }
    recoveryStart = now
    threshold = max(window / 2, minimum)
    window = threshold
  }

  /// Forgets a packet without drawing a conclusion.
  mutating func forget(_ byteCount: Int) { inFlight -= byteCount }

  /// Nothing came back for several probe timeouts (RFC 9002 section 7.6).
  mutating func collapse() {
    window = minimum
    recoveryStart = nil
  }
}

/// Spreads a window over its round trip (RFC 9002 section 7.7).
///
/// Keeps the time at which the next datagram is due. A sender that fell behind may catch up by one
/// burst.
struct Pacer: Sendable {
  /// A burst this long is cheaper to send than to spread: what waking a thread costs.
  static let quantum = UInt64.milliseconds(2)
  /// The burst of a slow link (RFC 9002 section 7.7).
  static let burstDatagrams: UInt64 = 10

  /// When the next datagram is due. In the past: so much may go at once.
  private(set) var due: MonotonicTime

  init(now: MonotonicTime) { due = now }

  /// How long a datagram takes at 1.25 windows a round trip.
  private static func interval(_ byteCount: Int, _ window: Int, _ roundTrip: UInt64) -> UInt64 {
    // A window is at least two datagrams, and a round trip at most minutes: the product fits.
    UInt64(byteCount) * (roundTrip * 4 / 5) / UInt64(max(window, 1))
  }

  func allows(now: MonotonicTime) -> Bool { due <= now }

  mutating func sent(_ byteCount: Int, datagram: Int, window: Int, roundTrip: UInt64, now: MonotonicTime) {
    let burst = max(Self.quantum, Self.burstDatagrams * Self.interval(datagram, window, roundTrip))
    let earliest = MonotonicTime(nanoseconds: now.nanoseconds > burst ? now.nanoseconds - burst : 0)
    due = max(due, earliest) + Self.interval(byteCount, window, roundTrip)
  }
}
