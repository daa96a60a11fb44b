import STTBoard

/// Walks a text for the places of its headers, keys and values, without reading the values.
///
/// What is no TOML is passed over, since the library refuses it, save for what the library cannot
/// take: deep nesting, a NUL, and the few mistakes at which its assertions, also in force in release
/// builds, would end the process (toml++ 3.4, `parse_key` and `parse_value`). Up to the first mistake
/// the walk sees the same strings, brackets and keys as the library, so it comes upon these first.
struct TOMLLocator {
  /// Deeper nesting is refused, since reading and freeing it recurse.
  static let maximumDepth = 32

  private var scanner: TOMLScanner
  private var depth = 0
  /// Where the text first looked like no TOML, which makes every later complaint a guess.
  private var doubt: ConfigPosition?

  init(_ scanner: TOMLScanner) {
    self.scanner = scanner
  }

  /// - Throws: the first place that the library could not take.
  mutating func outline() throws(TOMLSyntaxError) -> TOMLOutline {
    let root = TOMLOutline(at: ConfigPosition(source: scanner.source))
    var current = root
    while true {
      scanner.skipBlankLines()
      if scanner.isAtEnd { return root }
      if scanner.next == UInt8(ascii: "[") {
        current = try header(root)
      } else {
        try keyValue(into: current)
      }
      // The rest of the line is a comment, or wrong.
      scanner.skipToLineEnd()
    }
  }

  private mutating func header(_ root: TOMLOutline) throws(TOMLSyntaxError) -> TOMLOutline {
    let start = scanner.position
    scanner.advance()
    let isArray = scanner.skip("[")
    scanner.skipBlanks()
    if let byte = scanner.next, byte != UInt8(ascii: "]"), !isQuote(byte), !isBareKeyByte(byte) {
      throw error("\(scanner.whatFollows) stands where a table's name should be", "Write [name] or [[name]].")
    }
    var table = root
    for key in try dottedKey() {
      // A header below an array of tables belongs to its latest element.
      table = (table.elements.last ?? table).child(key.name, at: key.position)
    }
    if isArray {
      if table.elements.isEmpty { table.position = start }
      let element = TOMLOutline(at: start)
      table.elements.append(element)
      return element
    }
    table.position = start
    return table.elements.last ?? table
  }

  private mutating func keyValue(into table: TOMLOutline) throws(TOMLSyntaxError) {
    var target = table
    let path = try dottedKey()
    for key in path { target = target.child(key.name, at: key.position) }
    guard scanner.skip("=") else {
      if doubt == nil { doubt = scanner.position }
      return
    }
    scanner.skipBlanks()
    // Every part but the last is one more table around the value.
    let outer = depth
    depth += path.count - 1
    defer { depth = outer }
    try value(target)
  }

  private typealias Key = (name: String, position: ConfigPosition)

  private mutating func dottedKey() throws(TOMLSyntaxError) -> [Key] {
    var path: [Key] = []
    repeat {
      scanner.skipBlanks()
      let position = scanner.position
      path.append((try key(), position))
      scanner.skipBlanks()
      guard path.count <= Self.maximumDepth else {
        throw error("the key has more than \(Self.maximumDepth) parts", "Nest less deeply.")
      }
    } while scanner.skip(".")
    return path
  }

  private mutating func key() throws(TOMLSyntaxError) -> String {
    let start = scanner.offset
    if isQuote(scanner.next) {
      try skipString()
      return String(decoding: scanner.bytes[start..<scanner.offset].dropFirst().dropLast(), as: UTF8.self)
    }
    while let byte = scanner.next, isBareKeyByte(byte) { scanner.advance() }
    return String(decoding: scanner.bytes[start..<scanner.offset], as: UTF8.self)
  }

  private mutating func value(_ outline: TOMLOutline) throws(TOMLSyntaxError) {
    outline.position = scanner.position
    switch scanner.next {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): try skipString()
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      guard depth < Self.maximumDepth else {
        throw error("values are nested more than \(Self.maximumDepth) deep", "Nest less deeply.")
      }
      depth += 1
      defer { depth -= 1 }
      if scanner.skip("[") { try array(outline) } else { try inlineTable(outline) }
    default: try word()
    }
  }

  /// A truth value, number, date or time.
  private mutating func word() throws(TOMLSyntaxError) {
    let start = scanner.offset
    while let byte = scanner.next, isWordByte(byte) { scanner.advance() }
    guard scanner.offset > start else {
      throw error(
        "\(scanner.whatFollows) stands where a value should be", "Give a text in quotes, a number, true or false.")
    }
    if scanner.offset - start > 10, isDigit(scanner.bytes[start]), scanner.bytes[start + 10] | 0x20 == UInt8(ascii: "t"),
      !(scanner.offset - start > 11 && isDigit(scanner.bytes[start + 11]))
    {
      throw error("a date without a time ends here", "Write a date and time as 1979-05-27T07:32:00Z.")
    }
    // A date and its time may be parted by one blank.
    if scanner.next == UInt8(ascii: " "), isDigit(scanner.peek(1)) {
      scanner.advance()
      guard isDigit(scanner.peek(1)) else { throw error("a second value follows", "Give one value.") }
      while let byte = scanner.next, isWordByte(byte) { scanner.advance() }
    }
    if let byte = scanner.next, !endsWord(byte) {
      throw error("\(scanner.whatFollows) follows a value", "Put texts between quotes, and part values with commas.")
    }
  }

  private mutating func array(_ outline: TOMLOutline) throws(TOMLSyntaxError) {
    while true {
      scanner.skipBlankLines()
      if scanner.isAtEnd || scanner.skip("]") { return }
      let element = TOMLOutline(at: scanner.position)
      outline.elements.append(element)
      let start = scanner.offset
      try value(element)
      scanner.skipBlankLines()
      // Without a step the text is no TOML here.
      if !scanner.skip(","), scanner.offset == start { return }
    }
  }

  private mutating func inlineTable(_ outline: TOMLOutline) throws(TOMLSyntaxError) {
    scanner.advance()
    while true {
      scanner.skipBlanks()
      if scanner.isAtEnd || scanner.skip("}") { return }
      let start = scanner.offset
      try keyValue(into: outline)
      scanner.skipBlanks()
      if !scanner.skip(","), scanner.offset == start { return }
    }
  }

  /// A text or key in one of the four kinds of quotes, the scanner standing at the first quote.
  private mutating func skipString() throws(TOMLSyntaxError) {
    guard let quote = scanner.next else { return }
    let isMultiline = scanner.looksAt("\"\"\"") || scanner.looksAt("'''")
    scanner.advance(isMultiline ? 3 : 1)
    while let byte = scanner.next {
      if byte == quote {
        guard isMultiline else { return scanner.advance() }
        var run = 1
        // Two quotes may still belong to the text before the three that close it.
        while run < 5, scanner.peek(run) == quote { run += 1 }
        scanner.advance(run)
        if run >= 3 { return }
      } else if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
        guard !scanner.looksAt("\\u0000"), !scanner.looksAt("\\U00000000") else {
          throw error("the escape stands for a NUL", "No key and no text of a configuration holds one; remove it.")
        }
        scanner.advance(2)
      } else {
        if byte == UInt8(ascii: "\n"), !isMultiline {
          if doubt == nil { doubt = scanner.position }
          return
        }
        scanner.advance()
      }
    }
  }

  private func isQuote(_ byte: UInt8?) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

  private func isBareKeyByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private func isDigit(_ byte: UInt8?) -> Bool {
    byte.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
  }

  private func isWordByte(_ byte: UInt8) -> Bool {
    isBareKeyByte(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
  }

  private func endsWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"), UInt8(ascii: ","),
      UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "#"):
      true
    default: false
    }
  }

  private func error(_ message: String, _ remedy: String) -> TOMLSyntaxError {
    if let doubt {
      return TOMLSyntaxError(
        position: doubt, message: "what stands here is no TOML",
        remedy: "Write key = value or [name] on a line of its own, and close every quote.")
    }
    return TOMLSyntaxError(position: scanner.position, message: message, remedy: remedy)
  }
}
