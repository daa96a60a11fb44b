/// The eight public bytes that route a datagram to its session. Never a secret, never a proof.
public struct SessionID: Hashable, Sendable {
  /// The bytes as they lie on the wire, read as a little-endian number.
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// HELLO carries no session yet.
  public static let none = SessionID(rawValue: 0)

  /// `(nonce_I XOR nonce_R)[0..8)` (docs/protocol.md 2.9).
  public init(initiatorNonce: [UInt8], responderNonce: [UInt8]) {
    precondition(initiatorNonce.count >= 8 && responderNonce.count >= 8, "nonces are 32 bytes")
    var value: UInt64 = 0
    for index in 0..<8 {
      value |= UInt64(initiatorNonce[index] ^ responderNonce[index]) << UInt64(index * 8)
    }
    rawValue = value
  }
}
