/// Unsigned LEB128, as protobuf has it.
enum Varint {
  /// Bytes of the longest.
  static let longest = 10

  /// Writes `value` to memory with room for ``longest`` bytes; answers how many it took.
  static func write(_ value: UInt64, to start: UnsafeMutableRawPointer) -> Int {
    var rest = value
    var count = 0
    while rest >= 0x80 {
      start.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: count, as: UInt8.self)
      rest >>= 7
      count += 1
    }
    start.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: count, as: UInt8.self)
    return count + 1
  }

  /// A difference of either sign as a number that is small when it is near zero.
  static func zigzag(_ difference: UInt64) -> UInt64 {
    let value = Int64(bitPattern: difference)
    return UInt64(bitPattern: value << 1 ^ value >> 63)
  }
}
