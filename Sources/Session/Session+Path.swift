import BasicContainers
public import STTWire
import STC

/// Going on over another network (docs/protocol.md 2.14).
extension Session {
  /// What the session is called in the headers it sends.
  public var name: SessionID { names.current }
  /// What the peer may call it: the present name, the last and the next.
  public var answersTo: (SessionID?, SessionID, SessionID) { (names.previous, names.current, names.next) }

  public func answers(to name: SessionID) -> Bool {
    name == names.current || name == names.next || name == names.previous
  }

  /// This end has moved to another network: the session takes its next name and speaks up at once, so
  /// that the peer learns where it is. Nothing is known of the new path.
  ///
  /// - Parameter random: makes packet numbers jump, so that they don't tell that it is the same session.
  public mutating func moved(random: UInt64, now: MonotonicTime, outbox: inout Outbox) {
    // A peer that has not heard of the last change would not know the name after it.
    if names.isKnown { names.advance() }
    leap(random, now, outbox: &outbox)
    startPathAnew(now)
    keepAliveDue = now
  }

  /// The peer called the session by its next name since this was asked last.
  public mutating func takePeerMoved() -> Bool {
    defer { peerMoved = false }
    return peerMoved
  }

  /// Follows the peer to its new name: what is in flight went to the old network.
  public mutating func follow(random: UInt64, now: MonotonicTime, outbox: inout Outbox) {
    leap(random, now, outbox: &outbox)
  }

  /// Writes a KEEP_ALIVE with `token` for a path that is not proven yet, and answers its length.
  public mutating func transmitChallenge(
    into buffer: UnsafeMutableRawBufferPointer, token: UInt64, now: MonotonicTime, wall: UInt64
  ) -> Int {
    guard end == nil, !sent.isFull else { return 0 }
    return sendChallenge(into: buffer, token, now, wall)
  }

  /// The token of the last challenge that the peer echoed, once.
  public mutating func takeEcho() -> UInt64? {
    defer { echo = nil }
    return echo
  }

  /// The peer answers from another address now. Unless only its port changed, nothing is known of the
  /// path (RFC 9000 section 9.4).
  public mutating func pathValidated(sameHost: Bool, now: MonotonicTime) {
    if !sameHost { startPathAnew(now) }
  }

  private mutating func startPathAnew(_ now: MonotonicTime) {
    path.restart(now)
    congestion.setDatagram(path.current)
    congestion.restart()
    roundTrip = RoundTrip()
    ecn.restart()
    probeCount = 0
  }

  /// Gives up everything in flight, and goes on with numbers far away.
  private mutating func leap(_ random: UInt64, _ now: MonotonicTime, outbox: inout Outbox) {
    following = nil
    var number = sent.start
    while number < sent.end {
      if sent.isUnresolved(number) { lose(number, now, congestive: false, outbox: &outbox) }
      number += 1
    }
    sent.advance()
    lossTime = nil
    // Up to 2^40 further on, at a word of the acknowledgements' bitmap.
    let target = (sealer.nextPacketNumber + 64 + random >> 24) & ~63
    if sealer.skip(to: target) { sent.restart(at: target) }
    outbox.scrambleSequences(UInt32(truncatingIfNeeded: random))
  }
}

extension Outbox {
  /// A stream's frame numbers say nothing to the receiver; to an observer they would say which stream
  /// goes on.
  mutating func scrambleSequences(_ random: UInt32) {
    for index in streams.indices { streams[index].sequence &+= random &+ UInt32(truncatingIfNeeded: index) &* 0x9E37_79B9 }
    abandonBlocks()
  }
}
