/// What a responder did with handshake datagrams since it began: how a flood shows, and how it is shown that
/// a flood costs little (docs/protocol.md 2.5).
public struct HandshakeStatistics: Hashable, Sendable {
  /// Datagrams taken in, by what they say they are.
  public internal(set) var hellos: UInt64 = 0
  public internal(set) var proofs: UInt64 = 0
  /// Answers. A FINAL that was sent again counts again.
  public internal(set) var responses: UInt64 = 0
  public internal(set) var retries: UInt64 = 0
  public internal(set) var finals: UInt64 = 0
  /// X25519 operations: a key pair for each RESPONSE, an agreement for each datagram of a proof whose mac2 holds.
  public internal(set) var agreements: UInt64 = 0
  /// ML-KEM-768 encapsulations.
  public internal(set) var encapsulations: UInt64 = 0
  public internal(set) var bytesReceived: UInt64 = 0
  /// Of all answers.
  public internal(set) var bytesAnswered: UInt64 = 0
  private var drops = [UInt64](repeating: 0, count: ResponderHandshake.Rejection.allCases.count)

  public init() {}

  /// Datagrams that were answered by silence for this reason.
  public func dropped(_ reason: ResponderHandshake.Rejection) -> UInt64 { drops[reason.rawValue] }
  public var droppedCount: UInt64 { drops.reduce(0, +) }

  mutating func note(_ outcome: ResponderHandshake.Outcome, question byteCount: Int) {
    bytesReceived += UInt64(byteCount)
    switch outcome {
    case .dropped(let reason): drops[reason.rawValue] += 1
    case .reply(let answer): bytesAnswered += UInt64(answer.count)
    case .established(_, _, _, let final):
      finals += 1
      bytesAnswered += UInt64(final.count)
    case .pending: break
    }
  }
}
