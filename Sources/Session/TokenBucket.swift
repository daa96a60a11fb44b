/// So many of something a second, with a burst: the budget behind every answer to a stranger.
public struct TokenBucket: Sendable {
  private let perSecond: UInt64
  private let burst: UInt64
  /// Billionths of a token.
  private var level: UInt64
  private var updated: MonotonicTime

  /// - Parameters:
  ///   - perSecond: at most 10^6.
  ///   - burst: at most 10^6; the bucket starts full.
  public init(perSecond: UInt64, burst: UInt64, now: MonotonicTime) {
    precondition(perSecond <= 1_000_000 && burst <= 1_000_000, "budgets are at most a million")
    self.perSecond = perSecond
    self.burst = burst * 1_000_000_000
    level = self.burst
    updated = now
  }

  /// Takes one token if there is one.
  public mutating func take(now: MonotonicTime) -> Bool {
    guard hasToken(now: now) else { return false }
    level -= 1_000_000_000
    return true
  }

  /// Whether ``take(now:)`` would get one.
  public mutating func hasToken(now: MonotonicTime) -> Bool {
    // An hour refills any bucket, and bounds the product.
    let elapsed = min(now.since(updated), UInt64.seconds(3600))
    level = min(burst, level + elapsed * perSecond)
    updated = max(now, updated)
    return level >= 1_000_000_000
  }
}
