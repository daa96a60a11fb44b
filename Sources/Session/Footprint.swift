/// What a session keeps in memory; tests hold it against the stated bounds.
package struct Footprint: Sendable {
  /// Bytes of messages that are not whole yet, or wait for an earlier one.
  package var heldByteCount: Int
  /// Packets from the oldest unresolved one on.
  package var sentPacketCount: UInt64
  package var incomingStreamCount: Int
  /// Bytes that incoming streams' parity takes.
  package var parityByteCount: Int
}

extension Session {
  /// Packets that may be unresolved at once.
  package static var mostSentPackets: UInt64 { SentPackets.most }

  package var footprint: Footprint {
    Footprint(
      heldByteCount: incoming.heldByteCount, sentPacketCount: sent.end - sent.start, incomingStreamCount: incoming.count,
      parityByteCount: incoming.parityByteCount)
  }
}
