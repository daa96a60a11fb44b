/// Gives back the lost data shards of one block.
///
/// It keeps no data shard either: each one is taken out of the parity rows when it comes, so that in
/// the end the rows hold nothing but the lost ones. The memory is the caller's,
/// `ErasureCode.workspaceByteCount` bytes, the same in every call of one block.
public struct ShardRecovery: Sendable {
  public enum Outcome: Hashable, Sendable {
    case taken
    /// This shard was here before; nothing changed.
    case duplicate
    /// An index, a length or a workspace outside the limits; nothing changed.
    case refused
  }

  private let rows: ParityRows
  private var data: UInt32 = 0
  private var parity: UInt8 = 0
  private var isEmpty = true
  private var isSpent = false

  /// As for the sender's ``ParityEncoder``.
  public init?(parityCount: Int, shardByteCount: Int) {
    guard let rows = ParityRows(parityCount: parityCount, shardByteCount: shardByteCount) else { return nil }
    self.rows = rows
  }

  /// Begins the next block.
  public mutating func reset() {
    data = 0
    parity = 0
    isEmpty = true
    isSpent = false
  }

  /// Whether this data shard came.
  public func hasData(_ index: Int) -> Bool {
    (0..<ErasureCode.mostData).contains(index) && data & (1 << UInt32(index)) != 0
  }

  /// Takes a data shard that arrived.
  public mutating func addData(
    _ index: Int, _ shard: RawSpan, unsafe workspace: UnsafeMutableRawBufferPointer
  ) -> Outcome {
    guard (0..<ErasureCode.mostData).contains(index), shard.byteCount <= rows.shardByteCount, !isSpent,
      begin(workspace)
    else { return .refused }
    guard !hasData(index) else { return .duplicate }
    data |= 1 << UInt32(index)
    rows.add(shard, index: index, unsafe: workspace)
    return .taken
  }

  /// Takes a parity shard that arrived.
  public mutating func addParity(
    _ index: Int, _ shard: RawSpan, unsafe workspace: UnsafeMutableRawBufferPointer
  ) -> Outcome {
    guard (0..<rows.count).contains(index), shard.byteCount <= rows.byteCount,
      shard.byteCount >= ErasureCode.lengthByteCount, !isSpent, begin(workspace)
    else { return .refused }
    guard parity & (1 << UInt8(index)) == 0 else { return .duplicate }
    parity |= 1 << UInt8(index)
    shard.withUnsafeBytes { Multiplier(1).addProduct(of: $0, unsafe: rows.row(index, unsafe: workspace)) }
    return .taken
  }

  private mutating func begin(_ workspace: UnsafeMutableRawBufferPointer) -> Bool {
    guard rows.fit(workspace) else { return false }
    if isEmpty { rows.clear(unsafe: workspace) }
    isEmpty = false
    return true
  }

  /// How many data shards of a block of `dataCount` are missing.
  public func missingCount(dataCount: Int) -> Int {
    guard let all = Self.mask(dataCount) else { return 0 }
    return (all & ~data).nonzeroBitCount
  }

  /// Whether enough came to ``recover(dataCount:unsafe:_:)`` what is missing, and something is.
  public func canRecover(dataCount: Int) -> Bool {
    guard let all = Self.mask(dataCount), data & ~all == 0, !isSpent else { return false }
    let missing = (all & ~data).nonzeroBitCount
    return missing > 0 && missing <= parity.nonzeroBitCount
  }

  /// Lends every missing data shard once, in the order of their indices. The block is spent afterwards:
  /// ``reset()`` begins another.
  ///
  /// - Returns: how many there were; 0, and nothing happened, unless ``canRecover(dataCount:)``; and 0
  ///   when the shards contradict each other, which no honest sender's do.
  public mutating func recover(
    dataCount: Int, unsafe workspace: UnsafeMutableRawBufferPointer, _ body: (_ index: Int, _ shard: RawSpan) -> Void
  ) -> Int {
    guard canRecover(dataCount: dataCount), rows.fit(workspace), let all = Self.mask(dataCount) else { return 0 }
    isSpent = true
    let missing = Indices(UInt64(all & ~data))
    let used = Indices(UInt64(parity))
    solve(missing, used, unsafe: workspace)
    for position in 0..<missing.count where length(used[position], unsafe: workspace) == nil { return 0 }
    for position in 0..<missing.count {
      guard let length = length(used[position], unsafe: workspace) else { return 0 }
      let row = rows.row(used[position], unsafe: workspace)
      let bytes = UnsafeRawBufferPointer(
        rebasing: row[ErasureCode.lengthByteCount..<ErasureCode.lengthByteCount + length])
      body(missing[position], bytes.bytes)
    }
    return missing.count
  }

  /// Gauss and Jordan's elimination, on the rows themselves. No pivot is ever 0, since every square part
  /// of the matrix can be inverted.
  private func solve(_ missing: Indices, _ used: Indices, unsafe workspace: UnsafeMutableRawBufferPointer) {
    let count = missing.count
    var matrix = InlineArray<64, UInt8>(repeating: 0)
    for row in 0..<count {
      for column in 0..<count {
        matrix[row * 8 + column] = ErasureCode.coefficient(parity: used[row], data: missing[column])
      }
    }
    for pivot in 0..<count {
      let scale = GaloisField.inverse(matrix[pivot * 8 + pivot])
      for column in 0..<count {
        matrix[pivot * 8 + column] = GaloisField.product(matrix[pivot * 8 + column], scale)
      }
      let source = rows.row(used[pivot], unsafe: workspace)
      Multiplier(scale).multiply(unsafe: source)
      for row in 0..<count where row != pivot {
        let factor = matrix[row * 8 + pivot]
        for column in 0..<count {
          matrix[row * 8 + column] ^= GaloisField.product(factor, matrix[pivot * 8 + column])
        }
        Multiplier(factor).addProduct(of: UnsafeRawBufferPointer(source), unsafe: rows.row(used[row], unsafe: workspace))
      }
    }
  }

  /// What a solved row says its shard's length is; `nil` when that can't be.
  private func length(_ row: Int, unsafe workspace: UnsafeMutableRawBufferPointer) -> Int? {
    let bytes = rows.row(row, unsafe: workspace)
    let length = Int(UInt16(littleEndian: bytes.loadUnaligned(as: UInt16.self)))
    return length <= rows.shardByteCount ? length : nil
  }

  private static func mask(_ dataCount: Int) -> UInt32? {
    guard (1...ErasureCode.mostData).contains(dataCount) else { return nil }
    return UInt32.max >> UInt32(ErasureCode.mostData - dataCount)
  }
}

/// The first eight set bits of a number.
private struct Indices {
  private(set) var count = 0
  private var values = InlineArray<8, UInt8>(repeating: 0)

  init(_ bits: UInt64) {
    var rest = bits
    while rest != 0, count < 8 {
      values[count] = UInt8(truncatingIfNeeded: rest.trailingZeroBitCount)
      rest &= rest - 1
      count += 1
    }
  }

  subscript(_ position: Int) -> Int { Int(values[position]) }
}
