import STTBoard

/// A position in a TOML text, moved one byte at a time, that always knows its line and column.
struct TOMLScanner {
  let source: String
  let bytes: [UInt8]
  private(set) var offset = 0
  private(set) var line = 1
  private(set) var column = 1

  init(_ bytes: [UInt8], source: String) {
    self.bytes = bytes
    self.source = source
    // A byte order mark is no part of the text (TOML 1.0, "Preliminaries").
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
  }

  var position: ConfigPosition { ConfigPosition(source: source, line: line, column: column) }
  var isAtEnd: Bool { offset >= bytes.count }
  /// The next byte, or `nil` at the end.
  var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  func peek(_ distance: Int) -> UInt8? {
    distance < bytes.count - offset ? bytes[offset + distance] : nil
  }

  mutating func advance(_ count: Int = 1) {
    for _ in 0..<count where offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      if byte == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else if offset >= bytes.count || bytes[offset] & 0xC0 != 0x80 {
        // A character ends where the next byte continues none.
        column += 1
      }
    }
  }

  mutating func skip(_ byte: Character) -> Bool {
    guard let ascii = byte.asciiValue, next == ascii else { return false }
    advance()
    return true
  }

  func looksAt(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { wanted in
      wanted.count <= bytes.count - offset && wanted.indices.allSatisfy { bytes[offset + $0] == wanted[$0] }
    }
  }

  mutating func skipBlanks() {
    while next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") { advance() }
  }

  /// Up to the line feed, which stays.
  mutating func skipToLineEnd() {
    while let byte = next, byte != UInt8(ascii: "\n") { advance() }
  }

  /// Blanks, line ends and comments, as they may stand between the values of an array.
  mutating func skipBlankLines() {
    while let byte = next {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): advance()
      case UInt8(ascii: "#"): skipToLineEnd()
      default: return
      }
    }
  }

  /// What follows, in words for a message.
  var whatFollows: String {
    guard let byte = next else { return "the end of the text" }
    if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { return "the end of the line" }
    return byte < 0x80 ? "'\(Character(UnicodeScalar(byte)))'" : "a character outside ASCII"
  }
}
