import STTSession

/// An address a session's packets have begun to come from, and that has not shown yet that it also
/// receives (docs/protocol.md 2.14).
struct Candidate {
  let address: PeerAddress
  /// What a challenge asks to be echoed.
  let token: UInt64
  private(set) var receivedByteCount = 0
  private(set) var sentByteCount = 0
  private var nextChallenge: MonotonicTime
  var wantsChallenge = true

  init(address: PeerAddress, token: UInt64, now: MonotonicTime) {
    self.address = address
    self.token = token
    nextChallenge = now
  }

  /// Another packet came from there; whether it is time to ask (again). Never sends three times what
  /// came from there (RFC 9000 section 8.2).
  mutating func received(_ byteCount: Int, now: MonotonicTime, patience: UInt64) {
    receivedByteCount += byteCount
    guard now >= nextChallenge, sentByteCount + Self.challengeByteCount <= receivedByteCount * 3 else { return }
    wantsChallenge = true
    nextChallenge = now + patience
  }

  mutating func challenged(_ byteCount: Int) {
    sentByteCount += byteCount
    wantsChallenge = false
  }

  /// Header, packet number, KEEP_ALIVE and tag.
  private static let challengeByteCount = 72
}
