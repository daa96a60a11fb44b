/// How one channel's value lies in a scan, as `scan_elements/in_*_type` says:
/// `be:s12/16>>4` is a signed 12 bit number in 16 big-endian bits, 4 bits from the right; `le:u8/16X3>>0` are three.
/// (Documentation/ABI/testing/sysfs-bus-iio, `scan_elements/<type>_type`.)
public struct ScanElement: Hashable, Sendable {
  public var isBigEndian: Bool
  public var isSigned: Bool
  /// Bits of the value, 1 to 64.
  public var bitCount: Int
  /// Bytes it lies in: 1, 2, 4 or 8.
  public var byteCount: Int
  /// Values side by side; 1 but for things such as quaternions.
  public var repeatCount: Int
  /// Bits below the value.
  public var shift: Int

  /// `nil` when the text is nothing the kernel writes.
  public init?(_ text: some StringProtocol) {
    var rest = Substring(text)
    guard let order = Self.take(&rest, upTo: ":"), order == "le" || order == "be" else { return nil }
    isBigEndian = order == "be"
    guard let sign = rest.popFirst() else { return nil }
    switch sign {
    case "s", "S": isSigned = true
    case "u", "U": isSigned = false
    default: return nil
    }
    guard let bits = Self.take(&rest, upTo: "/").flatMap(Self.number) else { return nil }
    guard let storage = Self.take(&rest, upTo: ">>"), let shift = Self.number(rest) else { return nil }
    var parts = storage.split(separator: "X", omittingEmptySubsequences: false)[...]
    guard let storageBits = parts.popFirst().flatMap(Self.number), [8, 16, 32, 64].contains(storageBits) else {
      return nil
    }
    repeatCount = 1
    if let repeats = parts.popFirst() {
      guard let count = Self.number(repeats), (1...16).contains(count), parts.isEmpty else { return nil }
      repeatCount = count
    }
    guard (1...storageBits).contains(bits), shift >= 0, shift + bits <= storageBits else { return nil }
    bitCount = bits
    byteCount = storageBits / 8
    self.shift = shift
  }

  private static func take(_ rest: inout Substring, upTo mark: String) -> Substring? {
    var end = rest.startIndex
    while end < rest.endIndex {
      if rest[end...].hasPrefix(mark) {
        let taken = rest[..<end]
        rest = rest[end...].dropFirst(mark.count)
        return taken
      }
      end = rest.index(after: end)
    }
    return nil
  }

  private static func number(_ text: Substring) -> Int? {
    guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return Int(text)
  }

  /// The bits of one value as the number they mean; those of an unsigned 64 bit value keep their pattern.
  ///
  /// - Parameter bytes: ``byteCount`` bytes.
  func whole(_ bytes: UnsafeRawBufferPointer) -> Int64 {
    var raw: UInt64 = 0
    for index in 0..<byteCount {
      raw = raw << 8 | UInt64(bytes[isBigEndian ? index : byteCount - 1 - index])
    }
    raw >>= UInt64(shift)
    let unused = UInt64(64 - bitCount)
    // Shifted up and down again the sign, or a zero, fills what is above the value.
    let top = raw << unused
    return isSigned ? Int64(bitPattern: top) >> Int64(unused) : Int64(bitPattern: top >> unused)
  }

  /// The value as a double.
  func real(_ bytes: UnsafeRawBufferPointer) -> Double {
    let value = whole(bytes)
    return isSigned ? Double(value) : Double(UInt64(bitPattern: value))
  }
}
