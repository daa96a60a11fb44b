public import STC
import STTWire

/// How a device proves in a session who it is, and how a collector finds out (docs/protocol.md 2.12).
///
/// Only in HYBRID mode: in SEED mode a thief with the seed can compute the keys of a session that it
/// merely forwards, wait for the proof and then speak itself.
public struct IdentityExchange: Sendable {
  /// A device that has shown nothing by then is refused.
  public static let patienceNanoseconds = UInt64.seconds(10)

  /// What a device's proof came to. Whether the key is the one that is known is not decided here.
  public enum Claim: Hashable, Sendable {
    case proven(IdentityPublicKey)
    case refused(Flaw)
  }

  /// Why a proof is none.
  public enum Flaw: Hashable, Sendable, CustomStringConvertible {
    case seedMode
    case malformed
    case wrongSignature
    /// None came in time.
    case missing

    public var description: String {
      switch self {
      case .seedMode: "an identity proves nothing in SEED mode"
      case .malformed: "IDENTITY is malformed"
      case .wrongSignature: "the signature does not verify"
      case .missing: "no identity was shown"
      }
    }
  }

  private let binding: IdentityBinding
  private let mode: HandshakeMode

  /// For the device of this session.
  public init(_ established: Established) {
    binding = IdentityBinding(established.keys, isInitiator: true)
    mode = established.mode
  }

  /// What the device sends as IDENTITY, before anything else; `nil` in SEED mode.
  public func proof(by key: IdentityKey) -> [UInt8]? {
    guard mode == .hybrid else { return nil }
    return key.proof(of: binding)?.bytes
  }

  /// What the collector makes of IDENTITY.
  public func take(_ bytes: [UInt8]) -> Claim {
    guard mode == .hybrid else { return .refused(.seedMode) }
    var reader = ByteReader(bytes.span.bytes)
    guard let frame = try? IdentityFrame(&reader) else { return .refused(.malformed) }
    guard let key = IdentityPublicKey.verified(frame, binding) else { return .refused(.wrongSignature) }
    return .proven(key)
  }
}
