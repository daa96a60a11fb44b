/// An input, and inputs near it.
///
/// libFuzzer spends far longer on choosing an input than a parser of small layouts on reading it. So each input is
/// tried together with others that differ in up to three places or in their length. They follow from the input alone:
/// whoever has it finds again what it found.
struct Variations {
  private var state: UInt64

  init(of input: [UInt8]) {
    // FNV-1a (draft-eastlake-fnv), 64 bits.
    state = input.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  /// The first input that `judge` objects to, `input` itself or one of `count` variations.
  mutating func search(_ input: [UInt8], count: Int, _ judge: ([UInt8]) -> Finding?) -> Finding? {
    if let finding = judge(input) { return finding }
    guard !input.isEmpty else { return nil }
    for _ in 0..<count {
      var near = input
      edit(&near)
      if let finding = judge(near) { return Finding("\(finding), with \(near)") }
    }
    return nil
  }

  private mutating func edit(_ bytes: inout [UInt8]) {
    let choice = next()
    if choice & 7 == 0 {
      bytes.removeLast(1 + Int(choice >> 8) % bytes.count)
    } else {
      for _ in 0...(choice >> 3 & 3) % 3 {
        let edit = next()
        let place = Int(edit >> 16) % bytes.count
        bytes[place] = edit & 1 == 0 ? bytes[place] ^ 1 << (edit >> 1 & 7) : UInt8(truncatingIfNeeded: edit >> 8)
      }
    }
  }

  /// Knuth's linear congruential generator (MMIX); its upper bits.
  private mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 20
  }
}
