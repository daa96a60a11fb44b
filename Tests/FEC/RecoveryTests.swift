import STTFEC
import Testing

@Suite struct RecoveryTests {
  @Test("parity is what the code's definition gives, for every number of data and parity shards")
  func agreesWithDefinition() throws {
    let reference = ReferenceCode()
    var random = SplitMix(state: 1)
    for k in 1...32 {
      let lengths = (0..<k).map { _ in Int.random(in: 0...40, using: &random) }
      let block = try #require(Block(lengths: lengths, parityCount: 8, shardByteCount: 41, using: &random))
      let expected = (0..<8).map { reference.parity($0, of: block.data) }
      #expect(block.parity == expected, "k = \(k)")
    }
  }

  @Test("the first parity shard is plain XOR")
  func firstIsXOR() throws {
    var random = SplitMix(state: 2)
    let block = try #require(
      Block(lengths: [Int](repeating: 20, count: 32), parityCount: 1, shardByteCount: 20, using: &random))
    let sums = (0..<20).map { offset in block.data.reduce(0) { $0 ^ $1[offset] } }
    #expect(block.parity == [[0, 0] + sums])
  }

  @Test("every pattern of losses that leaves k shards is repaired, every other is not, for k up to 6 and r up to 4")
  func everySmallPattern() throws {
    var random = SplitMix(state: 3)
    var repaired = 0
    for k in 1...6 {
      for r in 1...4 {
        let lengths = (0..<k).map { _ in Int.random(in: 0...19, using: &random) }
        let block = try #require(Block(lengths: lengths, parityCount: r, shardByteCount: 19, using: &random))
        for pattern in 0..<UInt64(1) << UInt64(k + r) {
          let data = pattern & (1 << UInt64(k) - 1)
          let parity = pattern >> UInt64(k)
          let missing = (0..<k).filter { data >> UInt64($0) & 1 == 0 }
          let back = try #require(block.recovered(data: data, parity: parity, using: &random))
          let expected = missing.count <= parity.nonzeroBitCount ? missing : []
          if back != Dictionary(uniqueKeysWithValues: expected.map { ($0, block.data[$0]) }) {
            Issue.record("k \(k), r \(r), pattern \(String(pattern, radix: 2))")
          }
          if !expected.isEmpty { repaired += 1 }
        }
      }
    }
    #expect(repaired > 1000)
  }

  @Test("random losses of large blocks come back, and as a slow solver that pivots says")
  func largeBlocks() throws {
    let reference = ReferenceCode()
    var random = SplitMix(state: 4)
    for round in 0..<60 {
      let k = Int.random(in: 7...32, using: &random)
      let r = Int.random(in: 1...8, using: &random)
      let lengths = (0..<k).map { _ in Int.random(in: 0...70, using: &random) }
      let block = try #require(Block(lengths: lengths, parityCount: r, shardByteCount: 70, using: &random))
      let survivors = Array((0..<k + r).shuffled(using: &random).prefix(k))
      let mask = survivors.reduce(UInt64(0)) { $0 | 1 << UInt64($1) }
      let back = try #require(block.recovered(data: mask & (1 << UInt64(k) - 1), parity: mask >> UInt64(k), using: &random))
      let solved = try #require(
        reference.solve(
          data: (0..<k).map { survivors.contains($0) ? block.data[$0] : nil },
          parity: (0..<r).map { survivors.contains(k + $0) ? block.parity[$0] : nil }))
      #expect(solved == block.data, "round \(round)")
      #expect(Set(back.keys) == Set((0..<k).filter { !survivors.contains($0) }), "round \(round)")
      #expect(back.allSatisfy { $0.value == block.data[$0.key] }, "round \(round)")
    }
  }

  @Test("no two by two part of the coefficients is singular")
  func noSingularMinor() throws {
    let reference = ReferenceCode()
    var singular = 0
    for left in 0..<7 {
      for right in left + 1..<8 {
        for a in 0..<31 {
          for b in a + 1..<32 {
            let first = reference.product(reference.coefficient(left, a), reference.coefficient(right, b))
            if first == reference.product(reference.coefficient(left, b), reference.coefficient(right, a)) { singular += 1 }
          }
        }
      }
    }
    #expect(singular == 0)
  }

  @Test("full datagrams of unequal length, the shortest empty, come back with their lengths")
  func fullSize() throws {
    var random = SplitMix(state: 5)
    let block = try #require(Block(lengths: [1150, 0, 1, 1149, 700], parityCount: 3, shardByteCount: 1150, using: &random))
    #expect(block.parity.map(\.count) == [1152, 1152, 1152])
    let back = try #require(block.recovered(data: 0b01001, parity: 0b111, using: &random))
    #expect(back == [1: block.data[1], 2: block.data[2], 4: block.data[4]])
  }

  @Test("parity shards are as long as the longest data shard of their block and two bytes more")
  func parityLength() throws {
    var random = SplitMix(state: 6)
    let block = try #require(Block(lengths: [3, 9, 4], parityCount: 2, shardByteCount: 1000, using: &random))
    #expect(block.parity.map(\.count) == [11, 11])
    #expect(
      try #require(block.recovered(data: 0b100, parity: 0b11, using: &random)) == [0: block.data[0], 1: block.data[1]])
  }
}
