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
}
