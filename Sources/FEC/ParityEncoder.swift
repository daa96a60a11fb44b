/// Makes the parity shards of one block while its data shards go out: the sender keeps no data.
///
/// The memory is the caller's, `ErasureCode.workspaceByteCount` bytes, the same in every call.
public struct ParityEncoder: Sendable {
  private let rows: ParityRows
  /// Data shards of this block so far.
  public private(set) var dataCount = 0
  private var longest = 0

  /// `nil` unless `parityCount` is 1 to 8 and `shardByteCount`, the longest data shard, 1 to 65,535.
  public init?(parityCount: Int, shardByteCount: Int) {
    guard let rows = ParityRows(parityCount: parityCount, shardByteCount: shardByteCount) else { return nil }
    self.rows = rows
  }

  public var parityCount: Int { rows.count }
  public var shardByteCount: Int { rows.shardByteCount }

  /// Adds the block's next data shard; its index is ``dataCount`` before the call.
  ///
  /// - Returns: `false`, and nothing changed, when the block has 32 already, the shard is too long, or
  ///   `workspace` is too small.
  public mutating func add(_ shard: RawSpan, unsafe workspace: UnsafeMutableRawBufferPointer) -> Bool {
    guard dataCount < ErasureCode.mostData, shard.byteCount <= rows.shardByteCount, rows.fit(workspace) else {
      return false
    }
    if dataCount == 0 { rows.clear(unsafe: workspace) }
    rows.add(shard, index: dataCount, unsafe: workspace)
    dataCount += 1
    longest = max(longest, shard.byteCount)
    return true
  }

  /// Bytes of each parity shard: no more than the block's longest data shard needs. 0 for an empty block.
  public var parityByteCount: Int { dataCount == 0 ? 0 : longest + ErasureCode.lengthByteCount }

  /// Where in the workspace a parity shard lies; `nil` for an index the code does not have, or while
  /// the block is empty.
  public func parityRange(_ index: Int) -> Range<Int>? {
    guard (0..<rows.count).contains(index), dataCount > 0 else { return nil }
    let start = index * rows.byteCount
    return start..<start + parityByteCount
  }

  /// Begins the next block.
  public mutating func reset() {
    dataCount = 0
    longest = 0
  }
}
