/// Bytes that follow from a seed and a message's number: the number, the seed, then xorshift64
/// words, all little-endian; shorter messages are cut.
enum Pattern {
  static func fill(_ memory: UnsafeMutableRawBufferPointer, seed: UInt64, index: UInt64) {
    var words = Words(seed: seed, index: index)
    var offset = 0
    while offset + 8 <= memory.count {
      memory.storeBytes(of: words.next().littleEndian, toByteOffset: offset, as: UInt64.self)
      offset += 8
    }
    guard offset < memory.count else { return }
    withUnsafeBytes(of: words.next().littleEndian) { last in
      for index in 0..<memory.count - offset { memory[offset + index] = last[index] }
    }
  }

  struct Words {
    private let seed: UInt64
    private let index: UInt64
    private var state: UInt64
    private var count = 0

    init(seed: UInt64, index: UInt64) {
      self.seed = seed
      self.index = index
      // SplitMix64's finalizer: neighbouring numbers begin far apart. Xorshift must not begin at 0.
      var mixed = seed ^ (index &* 0x9E37_79B9_7F4A_7C15)
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      state = (mixed ^ (mixed >> 31)) | 1
    }

    @inline(__always)
    mutating func next() -> UInt64 {
      count += 1
      if count == 1 { return index }
      if count == 2 { return seed }
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
  }
}

/// Tells whether a payload is what a ``PatternSource`` sent.
public enum PatternVerifier {
  /// The number a payload of at least 16 bytes gives itself, or `nil` when it is shorter or of
  /// another seed.
  public static func index(of payload: RawSpan, seed: UInt64) -> UInt64? {
    guard payload.byteCount >= 16,
      UInt64(littleEndian: payload.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self)) == seed
    else { return nil }
    return UInt64(littleEndian: payload.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self))
  }

  /// Whether every byte is right.
  public static func matches(_ payload: RawSpan, seed: UInt64, index: UInt64) -> Bool {
    var words = Pattern.Words(seed: seed, index: index)
    var offset = 0
    while offset + 8 <= payload.byteCount {
      let word = UInt64(littleEndian: payload.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
      guard word == words.next() else { return false }
      offset += 8
    }
    var last = words.next()
    while offset < payload.byteCount {
      guard payload.unsafeLoad(fromByteOffset: offset, as: UInt8.self) == UInt8(truncatingIfNeeded: last) else {
        return false
      }
      last >>= 8
      offset += 1
    }
    return true
  }
}
