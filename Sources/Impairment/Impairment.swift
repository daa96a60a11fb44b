/// What a stretch of network does to the datagrams that pass it in one direction.
///
/// In this order: a limited rate with a queue that drops its tail, loss, repetition, delay.
public struct Impairment: Hashable, Sendable {
  /// Loss in bursts (Gilbert 1960, Elliott 1963): a direction that is good, then bad for a while.
  /// All in percent, drawn for each datagram.
  public struct Bursts: Hashable, Sendable {
    public var beginPercent: Double
    public var endPercent: Double
    /// Loss while it is bad.
    public var lossPercent: Double

    public init(beginPercent: Double, endPercent: Double, lossPercent: Double = 100) {
      self.beginPercent = beginPercent
      self.endPercent = endPercent
      self.lossPercent = lossPercent
    }

    /// Bursts of `length` datagrams on average, in which all is lost, and `sharePercent` of all datagrams.
    public init(sharePercent: Double, length: Double) {
      let share = min(max(sharePercent / 100, 0), 0.99)
      self.init(beginPercent: 100 * share / (1 - share) / max(length, 1), endPercent: 100 / max(length, 1))
    }
  }

  /// Bytes one datagram costs on a limited link beside its own: IPv4 and UDP headers.
  public static let packetOverhead = 28

  /// Percent of datagrams, each by itself.
  public var lossPercent: Double
  public var bursts: Bursts?
  /// Percent of datagrams that come twice.
  public var duplicatePercent: Double
  /// Nanoseconds from leaving the queue to arriving.
  public var delay: UInt64
  /// Up to so many nanoseconds more, drawn for each datagram, which is what reorders them.
  public var jitter: UInt64
  /// `nil`: no limit.
  public var bitsPerSecond: UInt64?
  /// Bytes that wait for a limited link, headers included; what comes beyond is dropped.
  public var queueByteCount: Int

  /// - Parameter queueByteCount: by default what the rate carries in a round trip of twice the delay, and
  ///   64 KiB at least.
  public init(
    lossPercent: Double = 0, bursts: Bursts? = nil, duplicatePercent: Double = 0, delay: UInt64 = 0, jitter: UInt64 = 0,
    bitsPerSecond: UInt64? = nil, queueByteCount: Int? = nil
  ) {
    self.lossPercent = lossPercent
    self.bursts = bursts
    self.duplicatePercent = duplicatePercent
    self.delay = delay
    self.jitter = jitter
    self.bitsPerSecond = bitsPerSecond
    let product = Double(bitsPerSecond ?? 0) / 8 * Double(delay) * 2 / 1e9
    self.queueByteCount = queueByteCount ?? max(65_536, Int(min(product, 1e12)))
  }
}
