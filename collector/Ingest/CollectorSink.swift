public import STTSession

/// Takes what all devices of a collector send.
public protocol CollectorSink: MessageSink, ~Copyable {
  /// The calls that follow concern `session` of device `peer`.
  mutating func select(peer: Int, session: Int)
}

/// What a collector's owner may want to know.
public enum CollectorEvent: Sendable {
  case established(peer: Int, session: Int, address: PeerAddress, Established)
  case ended(peer: Int, session: Int, Session.End, SessionStatistics)
  /// A device speaks from another address, and has shown that it receives there.
  case moved(peer: Int, session: Int, from: PeerAddress, to: PeerAddress)
  /// A better estimate of a device's clocks.
  case clock(peer: Int, session: Int, ClockEstimate)
}
