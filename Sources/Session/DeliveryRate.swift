/// How fast packets arrive at the peer (draft-cheng-iccrg-delivery-rate-estimation): bytes acknowledged
/// between a packet's sending and its acknowledgement, over the time that took.
struct DeliveryRate: Sendable {
  /// What a packet remembers of the moment it left.
  struct Stamp: Sendable {
    /// Bytes delivered until then, and when the last of them were.
    var delivered: UInt64 = 0
    var deliveredAt = MonotonicTime(nanoseconds: 0)
    /// When the first packet of the flight left.
    var firstSent = MonotonicTime(nanoseconds: 0)
    /// The sender had nothing more to say: the path may carry more than was measured.
    var isApplicationLimited = false
  }

  struct Sample: Sendable {
    var bytesPerSecond: Double
    /// Bytes delivered when the packet left: what tells round trips apart.
    var deliveredBefore: UInt64
    var isApplicationLimited: Bool
  }

  /// Bytes acknowledged so far.
  private(set) var delivered: UInt64 = 0
  private var deliveredAt = MonotonicTime(nanoseconds: 0)
  private var firstSent = MonotonicTime(nanoseconds: 0)
  /// Everything up to here was sent while the sender had nothing more to say; 0: it has.
  private var limitedUpTo: UInt64 = 0
  private var newest: (stamp: Stamp, sent: MonotonicTime)?

  /// A packet leaves while `inFlight` bytes are on the way.
  mutating func sent(inFlight: Int, now: MonotonicTime) -> Stamp {
    if inFlight == 0 {
      firstSent = now
      deliveredAt = now
    }
    return Stamp(
      delivered: delivered, deliveredAt: deliveredAt, firstSent: firstSent, isApplicationLimited: limitedUpTo > 0)
  }

  mutating func acknowledged(_ byteCount: Int, _ stamp: Stamp, sent: MonotonicTime) {
    delivered += UInt64(byteCount)
    if newest.map({ stamp.delivered >= $0.stamp.delivered }) ?? true { newest = (stamp, sent) }
  }

  /// The sender has nothing more to say, with `inFlight` bytes on the way.
  mutating func noteApplicationLimited(inFlight: Int) { limitedUpTo = max(1, delivered + UInt64(max(0, inFlight))) }

  /// After all packets an acknowledgement names: what it says of the rate.
  mutating func sample(now: MonotonicTime) -> Sample? {
    guard let (stamp, sent) = newest else { return nil }
    newest = nil
    deliveredAt = now
    firstSent = sent
    if limitedUpTo > 0, delivered > limitedUpTo { limitedUpTo = 0 }
    // Neither faster than it was sent nor faster than it was acknowledged.
    let nanoseconds = max(sent.since(stamp.firstSent), now.since(stamp.deliveredAt))
    guard nanoseconds > 0 else { return nil }
    return Sample(
      bytesPerSecond: Double(delivered - stamp.delivered) * 1e9 / Double(nanoseconds),
      deliveredBefore: stamp.delivered, isApplicationLimited: stamp.isApplicationLimited)
  }
}
