/// How the peer's clocks relate to ours, from KEEP_ALIVE exchanges (RFC 5905 section 8).
///
/// The exchange with the shortest round trip among the last few is the best one: delay that is not
/// there can't be uneven.
public struct ClockEstimate: Hashable, Sendable {
  /// Peer's wall clock minus ours, in nanoseconds.
  public var wallOffsetNanoseconds: Int64
  /// Peer's monotonic clock minus ours, in nanoseconds.
  public var monotonicOffsetNanoseconds: Int64
  /// Half the round trip: the offset is right to within this.
  public var uncertaintyNanoseconds: UInt64
  /// The peer's monotonic clock at the exchange.
  public var peerMonotonicNanoseconds: UInt64
}

/// The last exchanges, best first in mind.
struct ClockFilter: Sendable {
  private static let kept = 8

  private var samples: [ClockEstimate] = []

  /// Takes in one exchange and answers the best estimate known.
  mutating func add(_ sample: ClockEstimate) -> ClockEstimate {
    samples.append(sample)
    if samples.count > Self.kept { samples.removeFirst() }
    return samples.min { $0.uncertaintyNanoseconds < $1.uncertaintyNanoseconds } ?? sample
  }
}
