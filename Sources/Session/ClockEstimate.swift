/// How the peer's clocks relate to ours, from KEEP_ALIVE exchanges (RFC 5905 section 8).
public struct ClockEstimate: Hashable, Sendable {
  /// Peer's wall clock minus ours, in nanoseconds.
  public var wallOffsetNanoseconds: Int64
  /// Peer's monotonic clock minus ours, in nanoseconds.
  public var monotonicOffsetNanoseconds: Int64
  /// The offsets are right to within this: half the exchange's round trip, and what two clocks may have
  /// drifted apart since.
  public var uncertaintyNanoseconds: UInt64
  /// The peer's monotonic clock at the exchange.
  public var peerMonotonicNanoseconds: UInt64
}

/// The last exchanges, and which of them says most.
///
/// The shortest round trip is the best one, because delay that is not there can't be uneven; but the
/// older an exchange is, the further the clocks have drifted since.
struct ClockFilter: Sendable {
  private static let kept = 8
  /// Two crystals in bad weather, in parts per million (RFC 5905's PHI is 15 for one that is kept warm).
  private static let driftPartsPerMillion: UInt64 = 100

  private var samples: [(estimate: ClockEstimate, at: MonotonicTime)] = []

  /// Exchanges so far, up to as many as are kept.
  var count: Int { samples.count }

  /// Takes in one exchange, whose uncertainty is half its round trip, and answers the best estimate
  /// there is now.
  mutating func add(_ sample: ClockEstimate, now: MonotonicTime) -> ClockEstimate {
    samples.append((sample, now))
    if samples.count > Self.kept { samples.removeFirst() }
    var best = sample
    for (estimate, at) in samples {
      var aged = estimate
      aged.uncertaintyNanoseconds += now.since(at) / 1_000_000 * Self.driftPartsPerMillion
      if aged.uncertaintyNanoseconds < best.uncertaintyNanoseconds { best = aged }
    }
    return best
  }
}
