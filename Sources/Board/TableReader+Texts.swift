extension TableReader {
  /// A text, with the place it stands; `nil` when absent or of another type.
  mutating func text(_ key: String, _ remedy: String) -> (text: String, position: ConfigPosition)? {
    guard let node = take(key) else { return nil }
    guard case .string(let text) = node.value else {
      wrongType(key, node, remedy)
      return nil
    }
    // A NUL would end the text early where it meets the system's C interfaces.
    if text.utf8.contains(0) || text.utf8.count > 4_095 {
      fail(.invalidValue, key, at: node.position, "holds a NUL or is longer than 4095 bytes", remedy)
      return nil
    }
    return (text, node.position)
  }

  /// A name that becomes a directory, a topic or a line of output on other machines.
  mutating func name(_ key: String, usual: String? = nil, _ purpose: String) -> String? {
    let remedy = "\(purpose): 1 to 64 of A-Z a-z 0-9 . _ - and first a letter or digit."
    guard table[key] != nil || usual != nil else {
      _ = take(key)
      missing(key, "Give \(remedy)")
      return nil
    }
    guard let (text, position) = text(key, "Give \(remedy)") else { return usual }
    if isPortableName(text) { return text }
    fail(.invalidValue, key, at: position, "\"\(shown(text))\" is no usable name", "Give \(remedy)")
    return usual
  }

  /// An absolute path. Its existence is the edge's business.
  mutating func absolutePath(_ key: String, usual: String? = nil, _ remedy: String) -> String? {
    guard table[key] != nil || usual != nil else {
      _ = take(key)
      missing(key, remedy)
      return nil
    }
    guard let (text, position) = text(key, remedy) else { return usual }
    if text.hasPrefix("/") { return text }
    fail(
      .invalidValue, key, at: position, "\"\(shown(text))\" does not begin with /",
      "Paths are absolute, because a service has no useful working directory. \(remedy)")
    return usual
  }
}

extension TableReader {
  /// The `name` of a value: its field's name.
  mutating func fieldName() -> String? {
    let remedy = "Give a field's name: a letter, then letters, digits and _, at most 64 in all."
    let written = text("name", remedy)
    if let written, !isFieldName(written.text) {
      fail(.invalidValue, "name", at: written.position, "\"\(shown(written.text))\" is no field name", remedy)
    } else if table["name"] == nil {
      missing("name", remedy)
    }
    return written?.text
  }

  func nameIsTaken(_ name: String) {
    fail(
      .conflict, "name", at: table["name"]?.position ?? position, "\"\(name)\" is taken",
      "Each value of a source is a field of its sample: give each its own name.")
  }
}

/// Whether `text` is safe as a file name, a topic and a word of output everywhere.
public func isPortableName(_ text: String) -> Bool {
  let bytes = text.utf8
  guard (1...64).contains(bytes.count), let first = bytes.first, isLetterOrDigit(first) else { return false }
  return bytes.allSatisfy {
    isLetterOrDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
  }
}

/// Whether `text` can name a field in Protocol Buffers.
func isFieldName(_ text: String) -> Bool {
  let bytes = text.utf8
  guard (1...64).contains(bytes.count), let first = bytes.first else { return false }
  return isLetterOrDigit(first) && !isDigit(first) && bytes.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "_") }
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

func isLetterOrDigit(_ byte: UInt8) -> Bool {
  isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
}
