import STTSession
public import STTWire

/// Who a device is beyond the seed it holds (docs/protocol.md 2.12).
///
/// The endpoint finds out whether a device has the key to the identity it shows. Whether that is the
/// right identity its owner decides, who keeps them: until then nothing of the device is heard.
extension CollectorEndpoint {
  /// From now on the sessions of `peer` begin with its identity.
  public mutating func askIdentity(of peer: Int) {
    if asksIdentity.indices.contains(peer) { asksIdentity[peer] = true }
  }

  /// The session's device is who it should be, or need not say: its streams are heard from now on.
  /// Nothing happens when the session is not there any more.
  public mutating func admit(session place: Int, id: SessionID) {
    guard isHeld(place, id) else { return }
    let slot = table.slot(place)
    slot.pointee.session.releaseStreams()
    slot.pointee.identityDeadline = .never
    if slot.pointee.session.isConfirmed { becomeProven(place) }
    touch(place)
  }

  /// Ends the session: its device is not who it should be.
  public mutating func refuse(session place: Int, id: SessionID, text: String) {
    guard table.isOccupied(place), table.slot(place).pointee.session.id == id else { return }
    close(place, text)
  }

  private func isHeld(_ place: Int, _ id: SessionID) -> Bool {
    guard (0..<table.capacity).contains(place), table.isOccupied(place) else { return false }
    return table.slot(place).pointee.session.id == id && table.slot(place).pointee.session.holdsStreams
  }

  /// Whether the device has shown that it holds the keys, and who it is.
  func isEstablished(_ place: Int) -> Bool {
    let slot = table.slot(place)
    return slot.pointee.session.isConfirmed && !slot.pointee.session.holdsStreams
  }

  /// One proof a session, so that verifying costs a device as much as its handshake.
  mutating func takeControlMessages(_ place: Int) {
    let slot = table.slot(place)
    while let message = slot.pointee.session.takeControlMessage() {
      if message.type == .seedUpdate {
        takeSeedUpdate(place, message.bytes)
        continue
      }
      guard message.type == .identity, let exchange = slot.pointee.identity.take() else { continue }
      switch exchange.take(message.bytes) {
      case .proven(let key):
        slot.pointee.identityDeadline = .never
        slot.pointee.hasProvenIdentity = true
        events.append(
          .identity(peer: slot.pointee.peer, session: place, id: slot.pointee.session.id, key))
      case .refused(let flaw): refuse(place, flaw)
      }
    }
  }

  mutating func refuse(_ place: Int, _ flaw: IdentityExchange.Flaw) {
    events.append(.identityMissing(peer: table.slot(place).pointee.peer, session: place, flaw))
    close(place, flaw.description)
  }

  private mutating func close(_ place: Int, _ text: String) {
    let slot = table.slot(place)
    slot.pointee.identity = nil
    slot.pointee.identityDeadline = .never
    slot.pointee.session.holdStreams()
    slot.pointee.session.close(.identity, text: text)
    touch(place)
  }
}

extension SessionSlot {
  mutating func awaitIdentity(_ established: Established, now: MonotonicTime) {
    identity = IdentityExchange(established)
    identityDeadline = now + IdentityExchange.patienceNanoseconds
    session.holdStreams()
  }
}
