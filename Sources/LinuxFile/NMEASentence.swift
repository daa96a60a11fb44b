/// A line of NMEA 0183: `$GPGGA,…*47`.
enum NMEASentence {
  /// Whether it begins as one and its checksum fits.
  static func isSound(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count >= 4, bytes[0] == UInt8(ascii: "$") || bytes[0] == UInt8(ascii: "!"),
      bytes[bytes.count - 3] == UInt8(ascii: "*"), let high = digit(bytes[bytes.count - 2]),
      let low = digit(bytes[bytes.count - 1])
    else { return false }
    return bytes[1..<bytes.count - 3].reduce(0, ^) == high << 4 | low
  }

  private static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
