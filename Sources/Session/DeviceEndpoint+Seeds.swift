public import STC
public import STTWire

/// The device's share in changing its seed (docs/protocol.md 2.13).
extension DeviceEndpoint {
  /// The seeds this device may authenticate by from now on, newest first; at least one. A session or an attempt
  /// with another one ends.
  public mutating func setEpochs(_ keys: [PairKeys], now: MonotonicTime) {
    guard !keys.isEmpty else { return }
    let present = nextEpoch
    epochs = keys
    if isConnected {
      trial = 0
      if !keys.contains(where: { $0.epoch == sessionEpoch }) { session?.close(.replaced, text: "its seed was replaced") }
    } else if isAttempting, let index = keys.firstIndex(where: { $0.epoch == present }) {
      trial = index
    } else {
      trial = 0
      abandonAttempt(now)
    }
  }

  /// The seed of the last ``DeviceEvent/seedOffered(epoch:)``, once. Whoever takes it puts it on the disk and calls
  /// ``setEpochs(_:now:)`` and ``keepSeed(_:now:)``, or ``refuseSeed(_:_:)``.
  public mutating func takeSeedOffer() -> (epoch: UInt32, overlapSeconds: UInt32, seed: [UInt8])? { change.offer.take() }

  /// The offered seed is on the disk: the collector is told, and then a handshake proves it.
  public mutating func keepSeed(_ epoch: UInt32, now: MonotonicTime) {
    session?.sendControl(.seedUpdate, SeedUpdate.stored(epoch: epoch).bytes)
    if sessionEpoch != epoch { change.stored(epoch, now: now) }
  }

  public mutating func refuseSeed(_ epoch: UInt32, _ refusal: SeedUpdate.Refusal) {
    session?.sendControl(.seedUpdate, SeedUpdate.refused(epoch: epoch, refusal).bytes)
  }

  /// A seed is taken only where a thief of the old one could not have got it too, and only from the
  /// collector: anything else ends the session.
  mutating func takeControlMessages() {
    while let message = session?.takeControlMessage() {
      guard message.type == .seedUpdate else { continue }
      var reader = ByteReader(message.bytes.span.bytes)
      guard session?.mode == .hybrid, hasShownIdentity,
        case .offer(let epoch, let overlap, let seed)? = try? SeedUpdate(&reader)
      else {
        session?.close(.protocolViolation, text: "SEED_UPDATE out of turn")
        return
      }
      change.offer = (epoch, overlap, seed)
      events.append(.seedOffered(epoch: epoch))
    }
  }

  /// Ends the session so that the next one is made with the new seed. What is unacknowledged waits for it.
  mutating func proveNewSeed(_ now: MonotonicTime) {
    guard let isSent = session?.hasSentControl, change.begins(isSent: isSent, now: now) else { return }
    session?.close(.replaced, text: "a new seed")
  }
}
