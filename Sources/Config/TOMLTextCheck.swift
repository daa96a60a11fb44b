import STTBoard

/// The bytes as a text, once they are UTF-8 without control characters: none may stand in TOML, and
/// the library, which reads up to the first NUL, would take a part for the whole.
func checkedText(_ bytes: [UInt8], source: String) throws(TOMLSyntaxError) -> String {
  var line = 1
  // Line by line, so that every complaint has its place. A line feed is never part of a character.
  for part in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
    let isLast = part.endIndex == bytes.endIndex
    guard let text = String(validating: part, as: UTF8.self) else {
      throw TOMLSyntaxError(
        position: ConfigPosition(source: source, line: line), message: "the line is not UTF-8",
        remedy: "Save the file as UTF-8.")
    }
    if let index = part.firstIndex(where: isControl),
      isLast || index != part.endIndex - 1 || part[index] != UInt8(ascii: "\r")
    {
      let column = text.unicodeScalars.firstIndex { $0.isASCII && isControl(UInt8($0.value)) }
        .map { text.unicodeScalars.distance(from: text.startIndex, to: $0) + 1 }
      let isReturn = part[index] == UInt8(ascii: "\r")
      throw TOMLSyntaxError(
        position: ConfigPosition(source: source, line: line, column: column ?? 0),
        message: isReturn ? "a carriage return stands alone" : "a control character stands in the text",
        remedy: isReturn ? "End lines with a line feed." : "Remove it, or write it as \\u00XX between double quotes.")
    }
    line += 1
  }
  return String(decoding: bytes, as: UTF8.self)
}

private func isControl(_ byte: UInt8) -> Bool {
  byte < 0x20 && byte != UInt8(ascii: "\t") || byte == 0x7F
}

/// The first place where a text stops being TOML.
struct TOMLSyntaxError: Error {
  var position: ConfigPosition
  var message: String
  var remedy: String

  var problem: ConfigProblem {
    ConfigProblem(.syntax, at: position, path: "", message: message, remedy: remedy)
  }
}
