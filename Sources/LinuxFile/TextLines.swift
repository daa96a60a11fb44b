/// A file's text, looked at as lines of words.
struct TextLines {
  private let text: UnsafeRawBufferPointer
  private let separator: UInt8?

  /// - Parameter separator: parts words, of which an empty one is none; `nil`: blanks do.
  init(_ text: UnsafeRawBufferPointer, separator: UInt8? = nil) {
    self.text = text
    self.separator = separator
  }

  /// Where the `column`th word (from 1) of the wanted line lies: the first line, or the first one
  /// beginning with `line`, and then counted behind it.
  func word(_ column: Int, ofLine line: [UInt8]?) -> Range<Int>? {
    var start = 0
    while start < text.count {
      let end = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
      if let line {
        if let after = self.end(of: line, from: start, to: end) { return word(column, from: after, to: end) }
      } else {
        return word(column, from: start, to: end)
      }
      start = end + 1
    }
    return nil
  }

  /// Where the line goes on behind `beginning`, or `nil` when it begins otherwise.
  private func end(of beginning: [UInt8], from start: Int, to end: Int) -> Int? {
    var cursor = start
    while cursor < end, isBlank(text[cursor]) { cursor += 1 }
    guard end - cursor >= beginning.count else { return nil }
    for (index, character) in beginning.enumerated() where text[cursor + index] != character { return nil }
    cursor += beginning.count
    // "cpu" must not find "cpu0".
    if let last = beginning.last, isWordPart(last), cursor < end, isWordPart(text[cursor]) { return nil }
    if cursor < end, text[cursor] == separator ?? UInt8(ascii: ":") { cursor += 1 }
    return cursor
  }

  private func part(_ column: Int, by separator: UInt8, from start: Int, to end: Int) -> Range<Int>? {
    var begin = start
    for _ in 1..<max(1, column) {
      guard let next = text[begin..<end].firstIndex(of: separator) else { return nil }
      begin = next + 1
    }
    var stop = text[begin..<end].firstIndex(of: separator) ?? end
    while begin < stop, isBlank(text[begin]) { begin += 1 }
    while stop > begin, isBlank(text[stop - 1]) { stop -= 1 }
    return begin < stop ? begin..<stop : nil
  }

  private func word(_ column: Int, from start: Int, to end: Int) -> Range<Int>? {
    if let separator { return part(column, by: separator, from: start, to: end) }
    var cursor = start
    var left = column
    while true {
      while cursor < end, isBlank(text[cursor]) { cursor += 1 }
      guard cursor < end else { return nil }
      let begin = cursor
      while cursor < end, !isBlank(text[cursor]) { cursor += 1 }
      left -= 1
      if left <= 0 { return begin..<cursor }
    }
  }

  private func isBlank(_ character: UInt8) -> Bool {
    // NUL too: device tree properties end in one.
    character == UInt8(ascii: " ") || character == UInt8(ascii: "\t") || character == UInt8(ascii: "\r")
      || character == 0
  }

  private func isWordPart(_ character: UInt8) -> Bool {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
