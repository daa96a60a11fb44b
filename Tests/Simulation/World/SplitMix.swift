/// A small seeded generator, so that every run can be run again.
package struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// One word that depends on every bit of `value`.
  package static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  /// True in `percent` of a hundred calls.
  package mutating func chance(percent: Double) -> Bool { fraction() * 100 < percent }

  /// From 0 up to and not including 1.
  package mutating func fraction() -> Double { Double(next() >> 11) / Double(1 << 53) }

  package mutating func within(_ range: ClosedRange<UInt64>) -> UInt64 {
    range.lowerBound + next() % (range.upperBound - range.lowerBound + 1)
  }

  package mutating func index(below count: Int) -> Int { count < 2 ? 0 : Int(next() % UInt64(count)) }

  /// Every order of magnitude between the bounds is as likely as any other.
  package mutating func logarithmic(_ range: ClosedRange<UInt64>) -> UInt64 {
    let highest = range.lowerBound == 0 ? UInt64.bitWidth - range.upperBound.leadingZeroBitCount : 0
    guard highest == 0 else {
      let bits = UInt64(index(below: highest + 1))
      return min(range.upperBound, bits == 0 ? 0 : within(1 << (bits - 1)...(1 << (bits - 1)) * 2 - 1))
    }
    let doublings = UInt64.bitWidth - (range.upperBound / range.lowerBound).leadingZeroBitCount
    let low = range.lowerBound << UInt64(index(below: doublings))
    return min(range.upperBound, within(low...low * 2))
  }
}
