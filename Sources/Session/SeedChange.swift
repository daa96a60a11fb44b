/// A device on its way from one seed to the next (docs/protocol.md 2.13).
struct SeedChange: Sendable {
  /// After the first fallback from a seed that the collector said it has; doubles with each.
  static let firstPatience = UInt64.seconds(60)
  static let longestPatience = UInt64.seconds(3600)

  /// What the collector offered and the owner has not answered yet.
  var offer: (epoch: UInt32, overlapSeconds: UInt32, seed: [UInt8])?
  /// The epoch to be proven by a handshake, and from when on.
  private var proof: (epoch: UInt32, due: MonotonicTime)?
  private var reconnects = false
  /// How often in a row a handshake with an offered seed went unanswered.
  private var fallbacks = 0
  private var tried: UInt32 = 0

  /// The device keeps `epoch` now, and the collector, who offered it, does too. Somebody on the path can
  /// still drop each handshake with it: that costs the session before only once in a while.
  mutating func stored(_ epoch: UInt32, now: MonotonicTime) {
    if tried != epoch { fallbacks = 0 }
    let wait = fallbacks == 0 ? 0 : min(Self.longestPatience, Self.firstPatience << UInt64(min(fallbacks - 1, 6)))
    proof = (epoch, now + wait)
  }

  /// When the session makes way for a handshake with the new seed. Until `isSent` it waits for the answer to
  /// arrive instead.
  func dueTime(isSent: Bool) -> MonotonicTime { isSent ? proof?.due ?? .never : .never }

  /// Whether to make way now.
  mutating func begins(isSent: Bool, now: MonotonicTime) -> Bool {
    guard let proof, isSent, now >= proof.due else { return false }
    self.proof = nil
    tried = proof.epoch
    reconnects = true
    return true
  }

  mutating func takeReconnect() -> Bool {
    defer { reconnects = false }
    return reconnects
  }

  mutating func connected(_ epoch: UInt32, isNewest: Bool) {
    fallbacks = isNewest ? 0 : fallbacks + 1
    (offer, proof, reconnects) = (nil, nil, false)
  }
}
