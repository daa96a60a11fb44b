/// How many data shards a block of a stream has at most, and how many parity shards then follow
/// (docs/protocol.md 2.15). With one parity shard it is plain XOR.
///
/// On the wire one byte: bits 0–4 hold the data shards less one, bits 5–7 the parity shards less one.
public struct ParityShape: Hashable, Sendable {
  public static let mostData = 32
  public static let mostParity = 8

  public let byte: UInt8
  /// 2 to 32.
  public var dataCount: Int { Int(byte & 31) + 1 }
  /// 1 to 8, and no more than ``dataCount``.
  public var parityCount: Int { Int(byte >> 5) + 1 }

  /// `nil` for numbers outside the limits.
  public init?(dataCount: Int, parityCount: Int) {
    guard (2...Self.mostData).contains(dataCount), (1...min(dataCount, Self.mostParity)).contains(parityCount) else {
      return nil
    }
    byte = UInt8(truncatingIfNeeded: (parityCount - 1) << 5 | (dataCount - 1))
  }

  /// `nil` for a byte that is no shape; 0, which says that a stream has no parity, is none.
  public init?(byte: UInt8) { self.init(dataCount: Int(byte & 31) + 1, parityCount: Int(byte >> 5) + 1) }
}
