public import STTBoard
internal import TOMLKit

/// Reads TOML 1.0 into configuration nodes that know their line and column.
///
/// TOMLKit decides what is TOML and what the values are. It keeps no positions, so ``TOMLOutline``
/// supplies them, and what it cannot take is refused before it sees the text.
public enum TOMLDocument {
  /// Longer texts are refused: a configuration is written by people.
  public static let maximumByteCount = 1 << 20

  /// The text's top table.
  /// - Throws: the first place that is no TOML, as one problem of kind `syntax`.
  public static func parse(_ text: String, source: String) throws(ConfigurationError) -> ConfigNode {
    try parse(Array(text.utf8), source: source)
  }

  /// As ``parse(_:source:)`` for bytes of unknown quality.
  public static func parse(_ bytes: [UInt8], source: String) throws(ConfigurationError) -> ConfigNode {
    do throws(TOMLSyntaxError) {
      guard bytes.count <= maximumByteCount else {
        throw TOMLSyntaxError(
          position: ConfigPosition(source: source), message: "the text has \(bytes.count) bytes",
          remedy: "At most \(maximumByteCount) are read.")
      }
      let text = try checkedText(bytes, source: source)
      // Before the library, whose recursion must not meet unbounded depth.
      var locator = TOMLLocator(TOMLScanner(bytes, source: source))
      let outline = try locator.outline()
      return try configNode(table(text, source: source), outline)
    } catch {
      throw ConfigurationError([error.problem])
    }
  }

  private static func table(_ text: String, source: String) throws(TOMLSyntaxError) -> TOMLTable {
    do {
      return try TOMLTable(string: text)
    } catch {
      var position = ConfigPosition(source: source)
      var message = "the text is no TOML"
      if let error = error as? TOMLParseError {
        position.line = error.source.begin.line
        position.column = error.source.begin.column
        message = middleOfSentence(error.description)
      }
      throw TOMLSyntaxError(
        position: position, message: message,
        remedy: "Write key = value, texts between quotes, and no key or table twice.")
    }
  }

  /// The library's sentence without its capital, its full stop, and whatever a terminal would obey.
  private static func middleOfSentence(_ text: String) -> String {
    var scalars = text.unicodeScalars.prefix(200).map { $0.properties.generalCategory == .control ? "?" : $0 }
    while scalars.last == "." || scalars.last == " " { scalars.removeLast() }
    let plain = scalars.reduce(into: "") { $0.unicodeScalars.append($1) }
    return plain.prefix(1).lowercased() + plain.dropFirst()
  }
}
