/// Decides what becomes of one datagram after the other. It reads no clock: the same sizes at the same
/// times have the same fates.
///
/// Chance is drawn equally often for every datagram, so that whether the n-th is lost depends on the
/// seed and on n alone: not on times, sizes, or other settings.
public struct ImpairedDirection: Sendable {
  public enum Fate: Hashable, Sendable {
    /// By chance.
    case lost
    /// The queue was full.
    case overflowed
    /// When it arrives, and again if it is repeated; nanoseconds of the clock `now` is of.
    case arrives(UInt64, again: UInt64?)
  }

  public let impairment: Impairment
  private var random: SplitMix
  private var isBad = false
  private var latest: UInt64 = 0
  /// When the link has sent all it has taken.
  private var freeAt: UInt64 = 0

  public init(_ impairment: Impairment, seed: UInt64) {
    self.impairment = impairment
    random = SplitMix(seed: seed)
  }

  /// - Parameters:
  ///   - byteCount: of UDP payload.
  ///   - now: nanoseconds of any clock; a step back counts as none.
  public mutating func pass(byteCount: Int, now: UInt64) -> Fate {
    latest = max(latest, now)
    let isLost = drawLoss()
    let isRepeated = random.fraction() * 100 < impairment.duplicatePercent
    let extra = (drawJitter(), drawJitter())
    guard let leaves = queue(byteCount + Impairment.packetOverhead) else { return .overflowed }
    if isLost { return .lost }
    let arrival = leaves &+ impairment.delay
    return .arrives(arrival &+ extra.0, again: isRepeated ? arrival &+ extra.1 : nil)
  }

  private mutating func drawLoss() -> Bool {
    let (single, change, burst) = (random.fraction(), random.fraction(), random.fraction())
    if let bursts = impairment.bursts {
      if change * 100 < (isBad ? bursts.endPercent : bursts.beginPercent) { isBad.toggle() }
      if isBad, burst * 100 < bursts.lossPercent { return true }
    }
    return single * 100 < impairment.lossPercent
  }

  private mutating func drawJitter() -> UInt64 { UInt64(random.fraction() * Double(impairment.jitter)) }

  /// When the datagram has left a limited link; `nil` when its queue is full.
  private mutating func queue(_ byteCount: Int) -> UInt64? {
    guard let rate = impairment.bitsPerSecond, rate > 0 else { return latest }
    let start = max(latest, freeAt)
    let waiting = Double(start - latest) / 1e9 * Double(rate) / 8
    guard waiting + Double(byteCount) <= Double(impairment.queueByteCount) else { return nil }
    freeAt = start &+ UInt64(Double(byteCount * 8) / Double(rate) * 1e9)
    return freeAt
  }
}
