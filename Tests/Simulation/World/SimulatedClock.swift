import STTSession

/// One machine's clocks, against the time of the simulation.
package struct SimulatedClock {
  /// Nanoseconds since 1970 that a right clock shows when the simulation's time is 0.
  package static let epoch: UInt64 = 1_700_000_000_000_000_000

  /// What the monotonic clock showed when the machine started, and when that was.
  private var base: UInt64
  private var started: MonotonicTime
  /// Nanoseconds the machine was suspended for; its monotonic clock stood still meanwhile.
  private var suspended: UInt64 = 0
  /// How wrong the wall clock is.
  package var wallOffset: Int64 = 0
  /// The wall clock shows this and does not move.
  package var wallStandsAt: UInt64?

  /// A monotonic clock that shows the simulation's time.
  init() {
    base = 0
    started = MonotonicTime(nanoseconds: 0)
  }

  /// A machine that starts `now` with its monotonic clock at `base`.
  mutating func restart(at base: UInt64, now: MonotonicTime) {
    self.base = base
    started = now
    suspended = 0
  }

  /// The machine slept until now.
  mutating func resume(after nanoseconds: UInt64) { suspended += nanoseconds }

  package func monotonic(_ now: MonotonicTime) -> MonotonicTime {
    MonotonicTime(nanoseconds: base &+ now.since(started) &- suspended)
  }

  /// When this machine's clock will show `time`.
  func trueTime(_ time: MonotonicTime) -> MonotonicTime {
    guard time != .never else { return .never }
    guard time.nanoseconds > base else { return started }
    return started + suspended + (time.nanoseconds - base)
  }

  package func wall(_ now: MonotonicTime) -> UInt64 {
    wallStandsAt ?? UInt64(bitPattern: Int64(bitPattern: now.nanoseconds &+ Self.epoch) &+ wallOffset)
  }
}
