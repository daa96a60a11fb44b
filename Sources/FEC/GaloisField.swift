/// Arithmetic in GF(256) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11D), the one of most
/// Reed–Solomon codes. No tables: the time an operation takes does not depend on its values.
enum GaloisField {
  static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
    var sum: UInt8 = 0
    var left = left
    for bit in UInt8(0)..<8 {
      sum ^= left & (0 &- (right >> bit & 1))
      left = double(left)
    }
    return sum
  }

  /// Times x.
  static func double(_ value: UInt8) -> UInt8 { value << 1 ^ (0x1D & (0 &- (value >> 7))) }

  /// 1 / value; 0 for 0. Every other element to the power of 255 is 1.
  static func inverse(_ value: UInt8) -> UInt8 {
    var power: UInt8 = 1
    // value^254 = value^2 · value^4 · … · value^128
    var square = value
    for _ in 0..<7 {
      square = product(square, square)
      power = product(power, square)
    }
    return power
  }
}

/// One coefficient, ready to be multiplied with many bytes, eight at a time.
///
/// A byte is the sum of its bits, so its product is the sum of the coefficient's products with
/// 1, x, x² … x^7, each kept in all eight bytes of a word and masked by one bit of each byte. The
/// loops are plain integer arithmetic that the compiler turns into whatever vectors there are.
struct Multiplier {
  private let words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
  let coefficient: UInt8

  init(_ coefficient: UInt8) {
    self.coefficient = coefficient
    var power = coefficient
    func next() -> UInt64 {
      defer { power = GaloisField.double(power) }
      return UInt64(power) &* Self.ones
    }
    words = (next(), next(), next(), next(), next(), next(), next(), next())
  }

  private static let ones: UInt64 = 0x0101_0101_0101_0101

  /// 0xFF in each byte of `value` whose bit `bit` is set.
  @inline(__always)
  private static func mask(_ value: UInt64, _ bit: UInt64) -> UInt64 {
    let set = (value &>> bit) & ones
    return (set &<< 8) &- set
  }

  @inline(__always)
  func product(_ value: UInt64) -> UInt64 {
    let low =
      (Self.mask(value, 0) & words.0) ^ (Self.mask(value, 1) & words.1) ^ (Self.mask(value, 2) & words.2)
      ^ (Self.mask(value, 3) & words.3)
    let high =
      (Self.mask(value, 4) & words.4) ^ (Self.mask(value, 5) & words.5) ^ (Self.mask(value, 6) & words.6)
      ^ (Self.mask(value, 7) & words.7)
    return low ^ high
  }

  /// `target[i] += coefficient · source[i]`, as far as both reach.
  func addProduct(of source: UnsafeRawBufferPointer, unsafe target: UnsafeMutableRawBufferPointer) {
    let count = min(source.count, target.count)
    guard count > 0, let from = source.baseAddress, let to = target.baseAddress, coefficient != 0 else { return }
    let whole = count & ~7
    var offset = 0
    if coefficient == 1 {
      while offset < whole {
        let sum =
          to.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
          ^ from.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        to.storeBytes(of: sum, toByteOffset: offset, as: UInt64.self)
        offset &+= 8
      }
    } else {
      while offset < whole {
        let sum =
          to.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
          ^ product(from.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        to.storeBytes(of: sum, toByteOffset: offset, as: UInt64.self)
        offset &+= 8
      }
    }
    while offset < count {
      let sum =
        to.load(fromByteOffset: offset, as: UInt8.self)
        ^ UInt8(truncatingIfNeeded: product(UInt64(from.load(fromByteOffset: offset, as: UInt8.self))))
      to.storeBytes(of: sum, toByteOffset: offset, as: UInt8.self)
      offset &+= 1
    }
  }

  /// `target[i] = coefficient · target[i]`.
  func multiply(unsafe target: UnsafeMutableRawBufferPointer) {
    guard target.count > 0, let base = target.baseAddress, coefficient != 1 else { return }
    let whole = target.count & ~7
    var offset = 0
    while offset < whole {
      let value = product(base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      base.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
      offset &+= 8
    }
    while offset < target.count {
      let value = UInt8(truncatingIfNeeded: product(UInt64(base.load(fromByteOffset: offset, as: UInt8.self))))
      base.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
      offset &+= 1
    }
  }
}
