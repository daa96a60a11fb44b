/// Reading and writing sizes and durations as people write them.
///
/// Nothing here traps: a number too large for its type is no quantity.
package enum Quantity {
  private static let sizeUnits: [(name: String, bytes: Int64)] = [
    ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
  ]
  private static let rateUnits: [(name: String, bits: UInt64)] = [
    ("bit", 1), ("kbit", 1_000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000),
  ]
  private static let durationUnits: [(name: String, nanoseconds: Int64)] = [
    ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("min", 60_000_000_000),
    ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
  ]

  /// `"64 MiB"` in bytes, or `nil`.
  package static func bytes(_ text: String) -> Int? {
    guard let (number, unit) = split(text),
      let scale = sizeUnits.first(where: { $0.name == unit })?.bytes
    else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: scale)
    return overflow ? nil : Int(exactly: product)
  }

  /// `"250 ms"` as a duration, or `nil`.
  package static func duration(_ text: String) -> Duration? {
    guard let (number, unit) = split(text),
      let scale = durationUnits.first(where: { $0.name == unit })?.nanoseconds
    else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: scale)
    return overflow ? nil : .nanoseconds(product)
  }

  /// `"100 Mbit"` in bits a second, or `nil`.
  package static func bitsPerSecond(_ text: String) -> UInt64? {
    guard let (number, unit) = split(text), let scale = rateUnits.first(where: { $0.name == unit })?.bits else { return nil }
    let (product, overflow) = UInt64(number).multipliedReportingOverflow(by: scale)
    return overflow ? nil : product
  }

  /// The shortest exact form: `64 MiB`, `1500 B`.
  static func text(bytes: Int) -> String {
    for (name, scale) in sizeUnits[1...4].reversed() where bytes != 0 && Int64(bytes) % scale == 0 {
      return "\(Int64(bytes) / scale) \(name)"
    }
    return "\(bytes) B"
  }

  /// The shortest exact form: `10 min`, `250 ms`.
  static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    if attoseconds == 0 {
      for (name, scale) in durationUnits[2...].reversed() where seconds % (scale / 1_000_000_000) == 0 && seconds != 0 {
        return "\(seconds / (scale / 1_000_000_000)) \(name)"
      }
      return "\(seconds) s"
    }
    // Configured durations are below 2^31 seconds, far from this product's limit.
    let microseconds = seconds &* 1_000_000 &+ attoseconds / 1_000_000_000_000
    return microseconds % 1_000 == 0 ? "\(microseconds / 1_000) ms" : "\(microseconds) us"
  }

  /// A whole number and its unit, apart or together.
  private static func split(_ text: String) -> (Int64, String)? {
    let digits = text.prefix { $0.isASCII && $0.isNumber || $0 == "_" }
    let unit = text[digits.endIndex...].drop { $0 == " " }
    guard digits.first?.isNumber == true, let number = Int64(digits.filter { $0 != "_" }) else { return nil }
    return (number, String(unit))
  }
}
