/// A device that is not there, or does not do what it was asked: told of once, looked for again.
package struct DeviceAbsence {
  private static let shortestRetry: UInt64 = 250_000_000
  private static let longestRetry: UInt64 = 1_000_000_000

  private var retryStep = shortestRetry
  private var isReported = false

  package init() {}

  /// When to look again, in nanoseconds of the monotonic clock.
  package mutating func begin<Outlet: SourceOutlet & ~Copyable>(
    _ reason: String, at time: UInt64, _ outlet: inout Outlet
  ) -> UInt64 {
    defer { retryStep = min(retryStep * 2, Self.longestRetry) }
    if !isReported { outlet.report(.unavailable(reason: reason)) }
    isReported = true
    return time &+ retryStep
  }

  /// The device does as it was asked.
  package mutating func end<Outlet: SourceOutlet & ~Copyable>(_ outlet: inout Outlet) {
    retryStep = Self.shortestRetry
    if isReported { outlet.report(.available) }
    isReported = false
  }
}
