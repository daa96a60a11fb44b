import STTSession
import STTWire

/// What a link does to datagrams, each way alike.
package struct LinkConditions: Sendable {
  /// Losses that come together (Gilbert and Elliott): a link that is good, then bad for a while.
  package struct Bursts: Sendable {
    /// Per datagram.
    package var beginPercent: Double
    package var endPercent: Double
    /// Loss while it is bad.
    package var lossPercent: Double

    package init(beginPercent: Double, endPercent: Double, lossPercent: Double) {
      self.beginPercent = beginPercent
      self.endPercent = endPercent
      self.lossPercent = lossPercent
    }
  }

  /// What boxes on the path do to the two bits (RFC 9000 section 13.4.2).
  package enum ECNTreatment: Sendable {
    case carries
    /// Clears them.
    case bleaches
    /// Turns ECT(0) into ECT(1).
    case mangles
    /// Lets nothing through that has them.
    case drops
    /// Marks whatever it can.
    case marksAll

    func applied(to ecn: ECN) -> ECN {
      guard ecn != .notCapable else { return ecn }
      return switch self {
      case .carries, .drops: ecn
      case .bleaches: .notCapable
      case .mangles: .capable1
      case .marksAll: .congestion
      }
    }
  }

  package var lossPercent: Double
  package var bursts: Bursts?
  package var duplicatePercent: Double
  /// Extra delay of up to this much, drawn per datagram: what reorders them.
  package var jitter: UInt64
  package var delay: UInt64
  package var corruptPercent: Double
  /// Nothing passes between these times.
  package var partition: Range<UInt64>?
  /// `nil`: no limit.
  package var bitsPerSecond: UInt64?
  /// Bytes that wait for a limited link; what comes beyond is dropped.
  package var queueByteCount = 1 << 20
  /// Waiting bytes above which a limited link marks what can be marked (RFC 3168) instead of letting its queue grow.
  package var markingByteCount: Int?
  /// What the path does to ECN.
  package var ecnTreatment = ECNTreatment.carries
  /// UDP payload bytes of the largest datagram that passes; larger ones vanish in silence.
  package var largestDatagram: Int

  package init(
    lossPercent: Double = 0, duplicatePercent: Double = 0, jitter: UInt64 = 0, delay: UInt64 = .milliseconds(10),
    corruptPercent: Double = 0, largestDatagram: Int = 65_507
  ) {
    self.lossPercent = lossPercent
    self.duplicatePercent = duplicatePercent
    self.jitter = jitter
    self.delay = delay
    self.corruptPercent = corruptPercent
    self.largestDatagram = largestDatagram
  }
}
