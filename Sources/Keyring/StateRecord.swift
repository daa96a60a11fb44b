import STTChecksum

/// A few named values in a small text that checks itself: lines `key = value`, and last
/// `check = ` with the CRC-32 of every byte before that line.
struct StateRecord: Equatable {
  var values: [String: String]

  static let maximumByteCount = 4_096

  var bytes: [UInt8] {
    let lines = values.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)\n" }.joined()
    let body = Array(lines.utf8)
    return body + Array("check = \(Self.check(body))\n".utf8)
  }

  init(_ values: [String: String]) {
    self.values = values
  }

  /// `nil` when the text is cut, altered or not of this form.
  init?(parsing bytes: [UInt8]) {
    let checkByteCount = "check = 00000000\n".utf8.count
    guard bytes.count >= checkByteCount else { return nil }
    let body = Array(bytes.dropLast(checkByteCount))
    guard Array(bytes.suffix(checkByteCount)) == Array("check = \(Self.check(body))\n".utf8) else { return nil }
    var values: [String: String] = [:]
    for line in body.split(separator: UInt8(ascii: "\n")) {
      guard let equals = line.firstIndex(of: UInt8(ascii: "=")), equals > line.startIndex + 1 else { return nil }
      let key = String(decoding: line[..<(equals - 1)], as: UTF8.self)
      let value = String(decoding: line[(equals + 1)...].drop { $0 == UInt8(ascii: " ") }, as: UTF8.self)
      guard values.updateValue(value, forKey: key) == nil else { return nil }
    }
    self.values = values
  }

  private static func check(_ body: [UInt8]) -> String {
    var crc = CRC32()
    body.withUnsafeBytes { crc.update(unsafe: $0) }
    return hexadecimal((0..<4).map { UInt8(truncatingIfNeeded: crc.value >> UInt32(24 - 8 * $0)) })
  }
}
