import Crypto

/// The 256-bit secret two peers share, distributed out of band (docs/protocol.md 2.1).
public struct Seed: Sendable, CustomStringConvertible {
  public static let byteCount = 32

  /// Why bytes are refused as a seed.
  public enum Weakness: Error, Hashable, Sendable, CustomStringConvertible {
    case wrongLength(Int)
    case allBytesEqual
    /// Every byte is printable ASCII: a passphrase, not a seed.
    case printableText
    /// Fewer distinct bytes than 32 random ones have with any real probability.
    case tooFewDistinctBytes(Int)

    public var description: String {
      switch self {
      case .wrongLength(let count): "a seed is exactly 32 random bytes, not \(count)"
      case .allBytesEqual: "every byte of this seed is the same"
      case .printableText: "this seed is printable text; a password is not 32 random bytes"
      case .tooFewDistinctBytes(let count): "this seed has only \(count) distinct bytes; 32 random bytes have about 30"
      }
    }
  }

  /// Extract("STT-1 seed v1", seed): the seed itself is not kept.
  let root: SymmetricKey

  /// Refuses what can't have come from a random generator. 32 random bytes fail these checks with a
  /// probability below 2^-100.
  public init(bytes: [UInt8]) throws(Weakness) {
    guard bytes.count == Self.byteCount else { throw .wrongLength(bytes.count) }
    let distinct = Set(bytes).count
    guard distinct > 1 else { throw .allBytesEqual }
    guard !bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { throw .printableText }
    guard distinct >= 8 else { throw .tooFewDistinctBytes(distinct) }
    root = extract(salt: Array("STT-1 seed v1".utf8), SymmetricKey(data: bytes))
  }

  /// Eight public bytes by which people compare seeds without showing them.
  public var fingerprint: [UInt8] { expandLabel(root, "fingerprint", byteCount: 8).bytes }

  public var description: String { "<seed>" }
}
