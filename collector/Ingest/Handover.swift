import STTSession
import STTWire

/// A session that another receive thread's device has just proven it may have: all that thread needs to go on with it.
public struct Handover: Sendable {
  /// Whose it is.
  public let thread: Int
  /// By which its handshake is known where it was made.
  public let credential: Int
  /// Of the handshake.
  public let counter: UInt64
  let peer: Int
  let epoch: UInt32
  let address: PeerAddress
  let established: Established
  /// What the device waits for.
  let final: [UInt8]
}

/// Sessions of several receive threads.
extension CollectorEndpoint {
  /// A device whose handshakes another thread makes; the index names it in events and to the sink, and has to be the
  /// same on all threads.
  public mutating func addElsewhere() -> Int {
    sessionsOfPeer.append([])
    asksIdentity.append(false)
    return sessionsOfPeer.count - 1
  }

  /// Goes on with a session whose handshake another thread made, and answers its device. `false`: there is no room,
  /// and that thread has to take it back (``withdraw(credential:counter:)``).
  public mutating func adopt(_ handover: Handover, now: MonotonicTime) -> Bool {
    guard !isClosing,
      install(
        handover.established, peer: handover.peer, epoch: handover.epoch, address: handover.address, now: now)
    else { return false }
    reply(handover.final, handover.address)
    return true
  }

  /// The sessions of `peer` made with the seed of `epoch` end: it authenticates no more.
  public mutating func endSessions(of peer: Int, epoch: UInt32) {
    for place in sessionsOfPeer[peer] where table.slot(place).pointee.epoch == epoch {
      table.slot(place).pointee.session.close(.replaced, text: "its seed was replaced")
      touch(place)
    }
  }

  /// The session answers to `id` from now on, or no more: whoever holds datagrams that went astray wants to know.
  mutating func note(_ id: SessionID, isAnswered: Bool) {
    guard share.count > 1 else { return }
    events.append(isAnswered ? .answers(id) : .answersNoMore(id))
  }
}
