/// When something was seen, on the two clocks of the machine that saw it.
///
/// The monotonic clock orders and spaces samples and never jumps; the wall clock relates them to
/// the world and may be wrong by decades on a board without a battery.
public struct SampleTime: Hashable, Sendable {
  /// CLOCK_MONOTONIC, in nanoseconds.
  public var monotonicNanoseconds: UInt64
  /// CLOCK_REALTIME, in nanoseconds since 1970-01-01T00:00:00Z.
  public var wallNanoseconds: UInt64

  public init(monotonicNanoseconds: UInt64, wallNanoseconds: UInt64) {
    self.monotonicNanoseconds = monotonicNanoseconds
    self.wallNanoseconds = wallNanoseconds
  }

  /// The wall time that belongs to a moment of the monotonic clock near this one. What happened between this time and
  /// the look at a device is a little later than this; a moment further away than a minute is one no driver means, and
  /// is taken as this.
  ///
  /// - Parameter monotonic: as the driver tells it, in nanoseconds.
  public func moment(monotonic: UInt64) -> SampleTime {
    let distance =
      monotonic > monotonicNanoseconds ? monotonic - monotonicNanoseconds : monotonicNanoseconds - monotonic
    guard distance < 60_000_000_000 else { return self }
    return SampleTime(
      monotonicNanoseconds: monotonic, wallNanoseconds: wallNanoseconds &+ (monotonic &- monotonicNanoseconds))
  }
}
