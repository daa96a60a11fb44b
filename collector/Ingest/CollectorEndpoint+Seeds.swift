import STC
import STTSession
import STTWire

/// A new seed for a device, inside a session (docs/protocol.md 2.13).
///
/// Only where the device has proven by more than its seed who it is, and where its seed does not open
/// the session later: a thief of the old seed must not be handed the new one.
extension CollectorEndpoint {
  /// Whether the device's session may carry a seed: HYBRID, with its identity proven and accepted.
  public func canOfferSeed(to peer: Int) -> Bool { placeForSeed(peer) != nil }

  /// Sends `offer` to device `peer`, once a session. The caller has made it safe on its disk and accepts
  /// it already. `false`: there is no session for it, or it was offered in this one.
  public mutating func offerSeed(epoch: UInt32, overlapSeconds: UInt32, seed: [UInt8], to peer: Int) -> Bool {
    guard let place = placeForSeed(peer) else { return false }
    let slot = table.slot(place)
    guard slot.pointee.offeredEpoch != epoch, slot.pointee.epoch < epoch, seed.count == SeedUpdate.seedByteCount else {
      return false
    }
    slot.pointee.offeredEpoch = epoch
    slot.pointee.session.sendControl(
      .seedUpdate, SeedUpdate.offer(epoch: epoch, overlapSeconds: overlapSeconds, seed: seed).bytes)
    touch(place)
    return true
  }

  private func placeForSeed(_ peer: Int) -> Int? {
    guard sessionsOfPeer.indices.contains(peer) else { return nil }
    return sessionsOfPeer[peer].first { place in
      let slot = table.slot(place)
      return slot.pointee.session.mode == .hybrid && slot.pointee.hasProvenIdentity && isEstablished(place)
        && slot.pointee.session.end == nil
    }
  }

  /// A device only ever answers: anything else, and an answer to nothing, ends its session.
  mutating func takeSeedUpdate(_ place: Int, _ bytes: [UInt8]) {
    let slot = table.slot(place)
    var reader = ByteReader(bytes.span.bytes)
    guard let update = try? SeedUpdate(&reader), update.epoch == slot.pointee.offeredEpoch else {
      return slot.pointee.session.close(.protocolViolation, text: "SEED_UPDATE out of turn")
    }
    switch update {
    case .offer: slot.pointee.session.close(.protocolViolation, text: "SEED_UPDATE out of turn")
    case .stored(let epoch): events.append(.seedStored(peer: slot.pointee.peer, epoch: epoch))
    case .refused(let epoch, let refusal):
      events.append(.seedRefused(peer: slot.pointee.peer, epoch: epoch, refusal))
    }
  }
}
