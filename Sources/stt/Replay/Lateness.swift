/// How late things were, in constant memory: counts by size, each class a sixteenth of its power of two wide.
struct Lateness {
  private static let parts = 16
  private var counts = [UInt64](repeating: 0, count: 64 * parts)
  private(set) var count: UInt64 = 0
  private(set) var largest: UInt64 = 0

  mutating func note(_ nanoseconds: UInt64) {
    counts[Self.place(nanoseconds)] += 1
    count += 1
    largest = max(largest, nanoseconds)
  }

  private static func place(_ value: UInt64) -> Int {
    guard value >= UInt64(parts) else { return Int(value) }
    let exponent = 63 - value.leadingZeroBitCount
    return (exponent - 3) * parts + Int(value >> UInt64(exponent - 4)) - parts
  }

  /// The smallest value of the class after `place`'s.
  private static func bound(_ place: Int) -> UInt64 {
    guard place >= parts else { return UInt64(place) + 1 }
    let exponent = place / parts + 3
    return UInt64(place % parts + parts + 1) << UInt64(exponent - 4)
  }

  /// Nanoseconds that `share` of all were not later than, to a sixteenth; 0 when there were none.
  func quantile(_ share: Double) -> UInt64 {
    let wanted = UInt64((Double(count) * share).rounded(.up))
    var sum: UInt64 = 0
    for (place, number) in counts.enumerated() {
      sum += number
      if sum >= wanted, number > 0 { return min(Self.bound(place), largest) }
    }
    return largest
  }

  var text: String {
    "late by \(Self.micro(quantile(0.5))) in the middle, \(Self.micro(quantile(0.99))) at 99 %, \(Self.micro(largest)) at most"
  }

  private static func micro(_ nanoseconds: UInt64) -> String { "\(rounded(Double(nanoseconds) / 1000, 1)) µs" }
}
