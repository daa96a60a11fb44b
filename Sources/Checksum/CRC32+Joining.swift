extension CRC32 {
  /// The checksum of two pieces, one after the other, from the checksum of each. Takes no look at the bytes: the first
  /// piece's checksum, as a polynomial over GF(2), is multiplied by x to the power of the bits that follow it.
  ///
  /// - Parameter byteCount: of the second piece.
  public static func joined(_ first: UInt32, _ second: UInt32, byteCount: Int) -> UInt32 {
    var shifted = first
    var left = UInt64(byteCount)
    var power = 0
    while left > 0 {
      if left & 1 == 1 { shifted = multiply(shifted, bytePowers[power]) }
      left >>= 1
      power += 1
    }
    return shifted ^ second
  }
}

/// The product modulo the polynomial; coefficients are reflected, so that the highest bit is that of x to the 0.
private func multiply(_ left: UInt32, _ right: UInt32) -> UInt32 {
  var product: UInt32 = 0
  var factor = right
  var bit: UInt32 = 1 << 31
  while bit != 0 {
    if left & bit != 0 { product ^= factor }
    factor = factor & 1 == 1 ? factor >> 1 ^ 0xEDB8_8320 : factor >> 1
    bit >>= 1
  }
  return product
}

/// At k: x to the 8 times 2 to the k, for lengths below 2 to the 63.
private let bytePowers: [UInt32] = {
  var powers: [UInt32] = [1 << 23]
  for power in 1..<63 { powers.append(multiply(powers[power - 1], powers[power - 1])) }
  return powers
}()
