/// The same code from its definition, by tables of logarithms and by solving k equations with
/// pivots: slow, and nothing in common with the module but the definition.
struct ReferenceCode {
  private var powers = [UInt8](repeating: 0, count: 510)
  private var logarithms = [Int](repeating: 0, count: 256)

  init() {
    var value = 1
    for exponent in 0..<255 {
      powers[exponent] = UInt8(value)
      powers[exponent + 255] = UInt8(value)
      logarithms[value] = exponent
      value <<= 1
      if value > 255 { value ^= 0x11D }
    }
  }

  func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
    left == 0 || right == 0 ? 0 : powers[logarithms[Int(left)] + logarithms[Int(right)]]
  }

  func quotient(_ left: UInt8, _ right: UInt8) -> UInt8 {
    left == 0 ? 0 : powers[logarithms[Int(left)] + 255 - logarithms[Int(right)]]
  }

  func coefficient(_ parity: Int, _ data: Int) -> UInt8 {
    quotient(UInt8(32 ^ data), UInt8((32 + parity) ^ data))
  }

  /// `length u16 | bytes | zeros`.
  func coded(_ shard: [UInt8], byteCount: Int) -> [UInt8] {
    let head = [UInt8(shard.count & 255), UInt8(shard.count >> 8)] + shard
    return head + [UInt8](repeating: 0, count: byteCount - head.count)
  }

  func parity(_ index: Int, of data: [[UInt8]]) -> [UInt8] {
    let byteCount = (data.map(\.count).max() ?? 0) + 2
    var sum = [UInt8](repeating: 0, count: byteCount)
    for (column, shard) in data.enumerated() {
      let coded = coded(shard, byteCount: byteCount)
      for offset in 0..<byteCount { sum[offset] ^= product(coefficient(index, column), coded[offset]) }
    }
    return sum
  }

  /// All k data shards from any k of the block's: `nil` where one is missing. `nil` when the equations
  /// have no single solution.
  func solve(data: [[UInt8]?], parity: [[UInt8]?]) -> [[UInt8]]? {
    let k = data.count
    let byteCount = (parity.compactMap { $0?.count } + data.compactMap { $0.map { $0.count + 2 } }).max() ?? 0
    var equations: [(row: [UInt8], value: [UInt8])] = []
    for (column, shard) in data.enumerated() {
      guard let shard else { continue }
      equations.append(((0..<k).map { $0 == column ? 1 : 0 }, coded(shard, byteCount: byteCount)))
    }
    for (index, shard) in parity.enumerated() where equations.count < k {
      guard let shard else { continue }
      equations.append(
        ((0..<k).map { coefficient(index, $0) }, shard + [UInt8](repeating: 0, count: byteCount - shard.count)))
    }
    guard equations.count == k else { return nil }
    for column in 0..<k {
      guard let pivot = (column..<k).first(where: { equations[$0].row[column] != 0 }) else { return nil }
      equations.swapAt(column, pivot)
      let scale = equations[column].row[column]
      equations[column].row = equations[column].row.map { quotient($0, scale) }
      equations[column].value = equations[column].value.map { quotient($0, scale) }
      for other in 0..<k where other != column {
        let factor = equations[other].row[column]
        if factor == 0 { continue }
        for index in 0..<k { equations[other].row[index] ^= product(factor, equations[column].row[index]) }
        for index in 0..<byteCount { equations[other].value[index] ^= product(factor, equations[column].value[index]) }
      }
    }
    return equations.map { equation in
      let length = Int(equation.value[0]) | Int(equation.value[1]) << 8
      return Array(equation.value.dropFirst(2).prefix(length))
    }
  }
}

/// Random numbers that are the same in every run (Steele, Lea, Flood 2014).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}
