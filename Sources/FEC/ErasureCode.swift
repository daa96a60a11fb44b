/// Which data shards go into which parity shard, and how often (docs/protocol.md 2.15).
///
/// A systematic Reed–Solomon code: data shards travel as they are; parity shard `i` is the sum of
/// every data shard `j` times `coefficient(parity: i, data: j)`. The coefficients are a Cauchy matrix,
/// each column divided by its first entry. Every square part of such a matrix can be inverted, so
/// that any k of a block's shards give the rest; and its first row is all ones, so that one parity
/// shard alone is plain XOR. They do not depend on the block's size: a block may end early.
///
/// Data shards of one block may differ in length. What is coded is `length u16 | bytes | zeros`, so
/// that a shard comes back with its true length.
public enum ErasureCode {
  /// Most data shards of a block.
  public static let mostData = 32
  /// Most parity shards of a block.
  public static let mostParity = 8
  /// Most bytes of a data shard.
  public static let largestShard = 65_535
  /// Bytes by which a parity shard is longer than the longest data shard of its block.
  public static let lengthByteCount = 2

  /// Bytes of memory that coding a block takes: its parity shards, one behind the other.
  ///
  /// `nil` for numbers outside the limits above.
  public static func workspaceByteCount(parityCount: Int, shardByteCount: Int) -> Int? {
    guard (1...mostParity).contains(parityCount), (1...largestShard).contains(shardByteCount) else { return nil }
    return parityCount * (shardByteCount + lengthByteCount)
  }

  /// `parity` below 8, `data` below 32.
  static func coefficient(parity: Int, data: Int) -> UInt8 { coefficients[parity * mostData + data] }

  /// 1 / (x_i + y_j) with x_i = 32 + i and y_j = j, times (x_0 + y_j).
  private static let coefficients: InlineArray<256, UInt8> = InlineArray { position in
    let data = UInt8(position % mostData)
    let parity = UInt8(position / mostData)
    return GaloisField.product(32 ^ data, GaloisField.inverse((32 + parity) ^ data))
  }
}

/// Parity shards in the making: one row of memory each.
struct ParityRows {
  let count: Int
  let byteCount: Int

  init?(parityCount: Int, shardByteCount: Int) {
    guard ErasureCode.workspaceByteCount(parityCount: parityCount, shardByteCount: shardByteCount) != nil else {
      return nil
    }
    count = parityCount
    byteCount = shardByteCount + ErasureCode.lengthByteCount
  }

  var shardByteCount: Int { byteCount - ErasureCode.lengthByteCount }

  /// Whether `workspace` has room for all rows.
  func fit(_ workspace: UnsafeMutableRawBufferPointer) -> Bool { workspace.count >= count * byteCount }

  func row(_ index: Int, unsafe workspace: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: workspace[index * byteCount..<(index + 1) * byteCount])
  }

  func clear(unsafe workspace: UnsafeMutableRawBufferPointer) {
    UnsafeMutableRawBufferPointer(rebasing: workspace[..<(count * byteCount)]).initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// Adds one data shard to every row.
  func add(_ shard: RawSpan, index: Int, unsafe workspace: UnsafeMutableRawBufferPointer) {
    shard.withUnsafeBytes { bytes in
      var length = UInt16(truncatingIfNeeded: bytes.count).littleEndian
      withUnsafeBytes(of: &length) { length in
        for parity in 0..<count {
          let multiplier = Multiplier(ErasureCode.coefficient(parity: parity, data: index))
          let row = row(parity, unsafe: workspace)
          multiplier.addProduct(of: length, unsafe: row)
          multiplier.addProduct(
            of: bytes, unsafe: UnsafeMutableRawBufferPointer(rebasing: row[ErasureCode.lengthByteCount...]))
        }
      }
    }
  }
}
