public import STC
public import STTSession
public import STTWire

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
  /// A device shows an identity, and has the key to it. Nothing of its is heard before
  /// ``CollectorEndpoint/admit(session:id:)``; ``CollectorEndpoint/refuse(session:id:text:)`` ends it.
  case identity(peer: Int, session: Int, id: SessionID, IdentityPublicKey)
  /// A device shows no identity, or one it has no key to; its session ends.
  case identityMissing(peer: Int, session: Int, IdentityExchange.Flaw)
  /// A device has shown that it holds the keys, and who it is if that was asked: its session counts as made
  /// with that seed.
  case proven(peer: Int, session: Int, epoch: UInt32)
  /// A device keeps the seed it was offered, and will prove it by a handshake.
  case seedStored(peer: Int, epoch: UInt32)
  case seedRefused(peer: Int, epoch: UInt32, SeedUpdate.Refusal)
  /// The session of another receive thread's device: that thread goes on with it (``CollectorEndpoint/adopt(_:now:)``).
  case handedOver(Handover)
  /// A session of one of several receive threads answers to a name, or no more. Others may get its datagrams: an alias
  /// leads anywhere, and a WebSocket to the first.
  case answers(SessionID)
  case answersNoMore(SessionID)
  /// A better estimate of a device's clocks.
  case clock(peer: Int, session: Int, ClockEstimate)
}
