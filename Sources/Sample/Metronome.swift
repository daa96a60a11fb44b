/// Moments at a constant rate, counted from the first one, so that no error adds up.
package struct Metronome: Sendable {
  /// Ticks in 10^6 seconds: rates from a microhertz on are whole numbers.
  private let microhertz: UInt64
  private var start: UInt64?
  /// Ticks so far, those passed over included.
  package private(set) var index: UInt64 = 0

  /// - Parameter hertz: above 0, at most 1 000 000.
  package init(hertz: Double) { microhertz = UInt64(max(1, (hertz * 1_000_000).rounded())) }

  /// The next tick; 0, that is at once, before the first.
  package var deadline: UInt64 { moment(index) }

  /// Whether a tick is due at `now`, and how many before it were passed over. The first call starts
  /// the count and is a tick.
  package mutating func tick(now: UInt64) -> (isDue: Bool, missed: UInt64) {
    guard let start else {
      start = now
      index = 1
      return (true, 0)
    }
    guard now >= start else { return (false, 0) }
    let due = Self.whole(UInt128(now - start) * UInt128(microhertz) / Self.scale)
    guard due >= index else { return (false, 0) }
    let missed = due - index
    index = due + 1
    return (true, missed)
  }

  /// Ends the count: the next call of ``tick(now:)`` starts a new one.
  package mutating func stop() {
    start = nil
    index = 0
  }

  // Nanoseconds per 10^6 seconds.
  private static let scale: UInt128 = 1_000_000_000_000_000

  /// Rounded up: a tick never comes before its time.
  private func moment(_ index: UInt64) -> UInt64 {
    guard let start else { return 0 }
    let offset = (UInt128(index) * Self.scale + UInt128(microhertz) - 1) / UInt128(microhertz)
    return Self.whole(UInt128(start) + offset)
  }

  private static func whole(_ value: UInt128) -> UInt64 { UInt64(exactly: value) ?? .max }
}
