/// Which packet numbers were accepted (RFC 6479, docs/protocol.md 2.14): a ring of bits behind the
/// highest number seen.
///
/// Check before opening, mark only after the packet was opened and taken.
public struct ReplayWindow: ~Copyable {
  @usableFromInline let words: UnsafeMutablePointer<UInt64>
  @usableFromInline let wordMask: UInt64
  @usableFromInline var limit: UInt64 = 0
  /// One past the highest number marked; 0 before the first.
  @inlinable public var end: UInt64 { limit }

  /// - Parameter bitCount: numbers remembered: a power of two from 1024 to 8192.
  public init(bitCount: Int = 2048) {
    precondition(
      bitCount >= 1024 && bitCount <= 8192 && bitCount & (bitCount - 1) == 0, "a power of two from 1024 to 8192")
    words = .allocate(capacity: bitCount / 64)
    words.initialize(repeating: 0, count: bitCount / 64)
    wordMask = UInt64(bitCount / 64 - 1)
  }

  deinit { words.deallocate() }

  /// Numbers that can still be told apart; one word of the ring is being overwritten.
  @inlinable public var span: UInt64 { wordMask << 6 }

  /// Whether `number` was never marked and is not too old to know.
  @inlinable public func accepts(_ number: UInt64) -> Bool {
    // The last number has no successor to count with; a session ends long before it.
    if number == .max { return false }
    if number >= end { return true }
    if end - number > span { return false }
    return words[Int(number >> 6 & wordMask)] >> (number & 63) & 1 == 0
  }

  @inlinable public mutating func mark(_ number: UInt64) {
    if number >= end {
      let newest = number >> 6
      var word = end == 0 ? 0 : (end - 1) >> 6 + 1
      if end == 0 { words[0] = 0 }
      // Everything between is unseen; after a jump over the whole ring each word is cleared once.
      if newest >= word, newest - word > wordMask { word = newest - wordMask }
      while word <= newest {
        words[Int(word & wordMask)] = 0
        word += 1
      }
      limit = number + 1
    } else if end - number > span {
      return
    }
    words[Int(number >> 6 & wordMask)] |= 1 << (number & 63)
  }

  /// The 64 bits from number `64 * index` on, for acknowledgements; zero outside the window.
  @inlinable public func word(_ index: UInt64) -> UInt64 {
    guard end > 0 else { return 0 }
    let newest = (end - 1) >> 6
    guard index <= newest, newest - index < wordMask else { return 0 }
    return words[Int(index & wordMask)]
  }
}
