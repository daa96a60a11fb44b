public import STTWire

/// Whether a stream sends parity, from which its receiver makes up for lost frames without asking
/// (docs/protocol.md 2.15). The sender's decision; the receiver is told the largest shape there will be.
public enum Parity: Hashable, Sendable {
  case none
  case always(ParityShape)
  /// While repeating can't help: for a PARTIAL stream whose deadline is shorter than two round trips, when
  /// more than one packet in a hundred gets lost.
  case automatic(ParityShape)

  var shape: ParityShape? {
    switch self {
    case .none: nil
    case .always(let shape), .automatic(let shape): shape
    }
  }

  /// Whether parity is worth its bytes now. What is on stays on until its cause is clearly gone.
  ///
  /// - Parameters:
  ///   - deadline: nanoseconds; `nil`: the stream has none.
  ///   - roundTrip: nanoseconds; `nil`: not known yet.
  ///   - loss: the share of packets that get lost.
  func isWanted(isOn: Bool, deadline: UInt64?, roundTrip: UInt64?, loss: Double) -> Bool {
    switch self {
    case .none: return false
    case .always: return true
    case .automatic:
      guard let deadline, let roundTrip else { return false }
      return isOn
        ? roundTrip > deadline / 5 * 2 && loss > 0.005
        : roundTrip > deadline / 2 && loss > 0.01
    }
  }
}
