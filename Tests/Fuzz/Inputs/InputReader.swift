/// Takes an input apart: whatever is asked of it, it has an answer, zeros when it is used up.
struct InputReader {
  private var bytes: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

  var isEmpty: Bool { bytes.isEmpty }

  mutating func u8() -> UInt8 { bytes.popFirst() ?? 0 }
  mutating func u16() -> UInt16 { UInt16(u8()) | UInt16(u8()) << 8 }
  mutating func u64() -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(u8()) << UInt64(8 * $1) } }

  /// At most `count` bytes.
  mutating func bytes(_ count: Int) -> [UInt8] {
    let part = Array(bytes.prefix(count))
    bytes = bytes.dropFirst(count)
    return part
  }

  mutating func rest() -> [UInt8] { bytes(bytes.count) }
}

/// Random numbers that are the same in every run.
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
