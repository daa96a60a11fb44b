import NIOCore

/// How long to wait before connecting again: doubling, with jitter, and from the start again after a
/// connection that lasted.
struct Backoff {
  private static let first = 0.5
  private static let longest = 30.0
  /// A server that accepts and drops must not be hammered.
  private static let proven = TimeAmount.seconds(30)

  private var failures = 0
  private var connectedAt: NIODeadline?

  mutating func connected(at now: NIODeadline) { connectedAt = now }

  /// The wait after an attempt or connection that ended `now`.
  mutating func next(at now: NIODeadline) -> TimeAmount {
    if let since = connectedAt.take(), now - since >= Self.proven { failures = 0 }
    let base = min(Self.longest, Self.first * Double(1 << min(failures, 6)))
    failures += 1
    return .nanoseconds(Int64(base * Double.random(in: 0.75...1.25) * 1e9))
  }
}
