import STTFEC
import Testing

@Suite struct HostileShardTests {
  static let indices = [Int.min, -1, 0, 1, 7, 8, 31, 32, 33, 1 << 32, Int.max]

  @Test("no numbers make a code outside its limits")
  func limits() {
    for count in Self.indices {
      #expect((ParityEncoder(parityCount: count, shardByteCount: 10) != nil) == (1...8).contains(count))
      #expect((ShardRecovery(parityCount: count, shardByteCount: 10) != nil) == (1...8).contains(count))
    }
    for length in [Int.min, -1, 0, 65_536, Int.max] {
      #expect(ParityEncoder(parityCount: 1, shardByteCount: length) == nil)
      #expect(ShardRecovery(parityCount: 1, shardByteCount: length) == nil)
      #expect(ErasureCode.workspaceByteCount(parityCount: 8, shardByteCount: length) == nil)
    }
    #expect(ErasureCode.workspaceByteCount(parityCount: 8, shardByteCount: 65_535) == 8 * 65_537)
  }

  @Test("indices and lengths from a hostile peer are refused, and the block is recovered all the same")
  func hostileArrivals() throws {
    var recovery = try #require(ShardRecovery(parityCount: 2, shardByteCount: 10))
    var workspace = [UInt8](repeating: 0xFF, count: 24)
    var random = SplitMix(state: 7)
    let block = try #require(Block(lengths: [10, 4, 6], parityCount: 2, shardByteCount: 10, using: &random))
    func add(data index: Int, _ bytes: [UInt8]) -> ShardRecovery.Outcome {
      workspace.withUnsafeMutableBytes { recovery.addData(index, bytes.span.bytes, unsafe: $0) }
    }
    func add(parity index: Int, _ bytes: [UInt8]) -> ShardRecovery.Outcome {
      workspace.withUnsafeMutableBytes { recovery.addParity(index, bytes.span.bytes, unsafe: $0) }
    }
    for index in Self.indices where !(0..<32).contains(index) { #expect(add(data: index, [1]) == .refused) }
    for index in Self.indices where !(0..<2).contains(index) { #expect(add(parity: index, [1, 2, 3]) == .refused) }
    #expect(add(data: 0, [UInt8](repeating: 1, count: 11)) == .refused)
    #expect(add(parity: 0, [UInt8](repeating: 1, count: 13)) == .refused)
    #expect(add(parity: 0, [1]) == .refused)
    var short = [UInt8](repeating: 0, count: 23)
    let first = block.data[0]
    let refused = short.withUnsafeMutableBytes { recovery.addData(0, first.span.bytes, unsafe: $0) }
    #expect(refused == .refused)
    #expect(add(data: 1, block.data[1]) == .taken)
    #expect(add(data: 1, block.data[1]) == .duplicate)
    #expect(add(parity: 1, block.parity[1]) == .taken)
    #expect(add(parity: 1, block.parity[1]) == .duplicate)
    #expect(add(parity: 0, block.parity[0]) == .taken)
    for count in Self.indices where count != 31 && count != 32 && count != 7 && count != 8 {
      #expect(!recovery.canRecover(dataCount: count), "\(count)")
    }
    var back: [Int: [UInt8]] = [:]
    let recovered = workspace.withUnsafeMutableBytes {
      recovery.recover(dataCount: 3, unsafe: $0) { index, shard in back[index] = shard.withUnsafeBytes { Array($0) } }
    }
    #expect(recovered == 2)
    #expect(back == [0: block.data[0], 2: block.data[2]])
    #expect(add(data: 5, [1]) == .refused, "a spent block takes nothing more")
  }

  @Test("parity that contradicts the data gives nothing with an impossible length, and never reads outside its row")
  func contradictions() throws {
    var random = SplitMix(state: 8)
    var recovered = 0
    var refused = 0
    for _ in 0..<500 {
      var recovery = try #require(ShardRecovery(parityCount: 3, shardByteCount: 30))
      var workspace = [UInt8](repeating: 0, count: 96)
      let counts = (0..<3).map { _ in Int.random(in: 2...32, using: &random) }
      let result = workspace.withUnsafeMutableBytes { workspace in
        for (index, count) in counts.enumerated() {
          // Lengths that might be true, in every other block.
          let head: [UInt8] = Bool.random(using: &random) ? [0, 0] : random.bytes(2)
          let shard = head + random.bytes(count - 2)
          _ = recovery.addParity(index, shard.span.bytes, unsafe: workspace)
        }
        return recovery.recover(dataCount: 3, unsafe: workspace) { _, shard in
          if shard.byteCount > 30 { Issue.record("\(shard.byteCount) bytes") }
        }
      }
      if result > 0 { recovered += 1 } else { refused += 1 }
    }
    #expect(recovered > 0 && refused > 0)
  }

  @Test("a block holds 32 data shards; what is too long, and memory that is too small, changes nothing")
  func encoderLimits() throws {
    var encoder = try #require(ParityEncoder(parityCount: 1, shardByteCount: 4))
    var workspace = [UInt8](repeating: 9, count: 6)
    func add(_ bytes: [UInt8]) -> Bool { workspace.withUnsafeMutableBytes { encoder.add(bytes.span.bytes, unsafe: $0) } }
    #expect(encoder.parityRange(0) == nil)
    let long = add([1, 2, 3, 4, 5])
    #expect(!long)
    var short = [UInt8](repeating: 0, count: 5)
    let one: [UInt8] = [1]
    let cramped = short.withUnsafeMutableBytes { encoder.add(one.span.bytes, unsafe: $0) }
    #expect(!cramped && encoder.dataCount == 0)
    for _ in 0..<32 {
      let taken = add([1, 2])
      #expect(taken)
    }
    let more = add([1, 2])
    #expect(!more && encoder.dataCount == 32 && encoder.parityByteCount == 4)
    for index in Self.indices { #expect((encoder.parityRange(index) != nil) == (index == 0)) }
    encoder.reset()
    let again = add([7])
    #expect(again && Array(workspace[0..<3]) == [1, 0, 7], "a new block begins with nothing of the last")
  }
}
