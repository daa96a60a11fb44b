/// Why bytes cannot be a seed: they cannot have come from a random generator.
///
/// 32 random bytes are refused with a probability below 2^-100.
public enum SeedWeakness: Error, Hashable, Sendable {
  case wrongLength(Int)
  case allBytesEqual
  case printableText
  case tooFewDistinctBytes(Int)
  /// Every byte differs from the one before by the same step (00 01 02 …).
  case arithmeticSequence
  /// The same bytes over and over, with this period.
  case repeated(period: Int)

  /// The middle of a sentence about the seed.
  public var sentence: String {
    switch self {
    case .wrongLength(let count): "it has \(count) bytes, and a seed is exactly 32"
    case .allBytesEqual: "all its bytes are equal"
    case .printableText: "it is printable text, and whoever can type it can guess it"
    case .tooFewDistinctBytes(let count): "it has only \(count) different bytes, where 32 random ones have about 30"
    case .arithmeticSequence: "its bytes count up or down in equal steps"
    case .repeated(let period): "it repeats the same \(period) bytes"
    }
  }

  /// What is wrong with `seed`, or `nil` when it may be random.
  public static func find(in seed: UnsafeRawBufferPointer) -> SeedWeakness? {
    guard seed.count == 32 else { return .wrongLength(seed.count) }
    let first = seed[0]
    if seed.allSatisfy({ $0 == first }) { return .allBytesEqual }
    if seed.allSatisfy({ (0x20..<0x7F).contains($0) }) { return .printableText }
    let step = seed[1] &- first
    if (1..<32).allSatisfy({ seed[$0] &- seed[$0 - 1] == step }) { return .arithmeticSequence }
    var seen: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    for byte in seed {
      let bit = UInt64(1) << UInt64(byte & 63)
      switch byte >> 6 {
      case 0: seen.0 |= bit
      case 1: seen.1 |= bit
      case 2: seen.2 |= bit
      default: seen.3 |= bit
      }
    }
    let distinct = seen.0.nonzeroBitCount + seen.1.nonzeroBitCount + seen.2.nonzeroBitCount + seen.3.nonzeroBitCount
    if distinct < 8 { return .tooFewDistinctBytes(distinct) }
    for period in [8, 16] where (period..<32).allSatisfy({ seed[$0] == seed[$0 - period] }) {
      return .repeated(period: period)
    }
    return nil
  }
}
