import Glibc

/// Numbers as sysfs and procfs write them, read from bytes without allocation.
///
/// A word is a number only as a whole: `12kB` is none.
enum NumberText {
  struct Whole: Equatable {
    var magnitude: UInt64
    var isNegative: Bool
    var real: Double { isNegative ? -Double(magnitude) : Double(magnitude) }
  }

  /// An optional sign and digits of `radix` (10 or 16); `0x` before the digits selects 16.
  static func whole(_ word: UnsafeRawBufferPointer, radix: UInt64) -> Whole? {
    var digits = word[...]
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
    var radix = radix
    if digits.count > 2, digits.first == UInt8(ascii: "0"), digits[digits.startIndex + 1] | 0x20 == UInt8(ascii: "x") {
      digits = digits.dropFirst(2)
      radix = 16
    }
    guard !digits.isEmpty else { return nil }
    var magnitude: UInt64 = 0
    for character in digits {
      guard let digit = value(of: character), digit < radix else { return nil }
      let (product, tooLarge) = magnitude.multipliedReportingOverflow(by: radix)
      let (sum, over) = product.addingReportingOverflow(digit)
      if tooLarge || over { return nil }
      magnitude = sum
    }
    return Whole(magnitude: magnitude, isNegative: isNegative)
  }

  /// A decimal number as strtod(3) reads it in the C locale, but without `inf`, `nan` and `0x`.
  static func real(_ word: UnsafeRawBufferPointer) -> Double? {
    // Longer than any double needs to be written, and short enough for the stack.
    guard !word.isEmpty, word.count < 64 else { return nil }
    for character in word {
      switch character {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "e"), UInt8(ascii: "E"):
        continue
      default: return nil
      }
    }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
      for (index, character) in word.enumerated() { text[index] = CChar(bitPattern: character) }
      text[word.count] = 0
      guard let start = text.baseAddress else { return nil }
      var end: UnsafeMutablePointer<CChar>? = nil
      let number = strtod(start, &end)
      return end == start + word.count && number.isFinite ? number : nil
    }
  }

  static func flag(_ word: UnsafeRawBufferPointer) -> Bool? {
    for (text, meaning) in words where text.utf8CodeUnitCount == word.count {
      var matches = true
      for (index, character) in word.enumerated() where text.utf8Start[index] != lowercase(character) {
        matches = false
      }
      if matches { return meaning }
    }
    return nil
  }

  private static let words: [(StaticString, Bool)] = [
    ("0", false), ("1", true), ("off", false), ("on", true), ("no", false), ("yes", true), ("n", false), ("y", true),
    ("false", false), ("true", true), ("disabled", false), ("enabled", true), ("down", false), ("up", true),
  ]

  private static func lowercase(_ character: UInt8) -> UInt8 {
    character >= UInt8(ascii: "A") && character <= UInt8(ascii: "Z") ? character | 0x20 : character
  }

  private static func value(of character: UInt8) -> UInt64? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(character - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(character - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(character - UInt8(ascii: "A") + 10)
    default: nil
    }
  }
}
