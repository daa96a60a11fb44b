import STTFEC

/// One block, coded.
struct Block {
  let data: [[UInt8]]
  let parity: [[UInt8]]
  let shardByteCount: Int

  /// - Parameter lengths: of the data shards.
  init?(lengths: [Int], parityCount: Int, shardByteCount: Int, using random: inout SplitMix) {
    self.shardByteCount = shardByteCount
    data = lengths.map { random.bytes($0) }
    guard var encoder = ParityEncoder(parityCount: parityCount, shardByteCount: shardByteCount),
      let count = ErasureCode.workspaceByteCount(parityCount: parityCount, shardByteCount: shardByteCount)
    else { return nil }
    // What the memory held before must not matter.
    var workspace = random.bytes(count)
    for shard in data {
      guard workspace.withUnsafeMutableBytes({ encoder.add(shard.span.bytes, unsafe: $0) }) else { return nil }
    }
    parity = (0..<parityCount).compactMap { encoder.parityRange($0).map { Array(workspace[$0]) } }
  }

  /// What a receiver of the shards in the masks gets back, in any order: by index.
  func recovered(data present: UInt64, parity parityPresent: UInt64, using random: inout SplitMix) -> [Int: [UInt8]]? {
    guard var recovery = ShardRecovery(parityCount: parity.count, shardByteCount: shardByteCount),
      let count = ErasureCode.workspaceByteCount(parityCount: parity.count, shardByteCount: shardByteCount)
    else { return nil }
    var workspace = random.bytes(count)
    let arrivals =
      data.indices.filter { present >> UInt64($0) & 1 == 1 }
      + parity.indices.filter { parityPresent >> UInt64($0) & 1 == 1 }.map { $0 + 100 }
    for arrival in arrivals.shuffled(using: &random) {
      let shard = arrival < 100 ? data[arrival] : parity[arrival - 100]
      let outcome = workspace.withUnsafeMutableBytes {
        arrival < 100
          ? recovery.addData(arrival, shard.span.bytes, unsafe: $0)
          : recovery.addParity(arrival - 100, shard.span.bytes, unsafe: $0)
      }
      guard outcome == .taken else { return nil }
    }
    var result: [Int: [UInt8]] = [:]
    let returned = workspace.withUnsafeMutableBytes {
      recovery.recover(dataCount: data.count, unsafe: $0) { index, shard in
        result[index] = shard.withUnsafeBytes { Array($0) }
      }
    }
    return returned == result.count ? result : nil
  }
}
