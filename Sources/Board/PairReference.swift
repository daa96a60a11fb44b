/// Where a pair's secret is to be found. Reading it is the keyring's business.
public enum PairReference: Hashable, Sendable, CustomStringConvertible {
  /// `file:/etc/stt/greenhouse-1.pair`, or just the path.
  case file(path: String)
  /// `env:NAME`: the pair file's text in a variable. For tests and CI.
  case environment(name: String)
  /// `fd:N`: read to its end from an inherited descriptor.
  case descriptor(Int32)
  /// `credential:NAME`: a file systemd put under `$CREDENTIALS_DIRECTORY`.
  case credential(name: String)

  /// What every form looks like, for messages.
  public static let forms =
    "Write \"file:/etc/stt/NAME.pair\", \"credential:NAME\" (systemd's LoadCredential), \"fd:N\" or \"env:NAME\"."

  /// Reads one of the forms; `nil` when `text` is none.
  public init?(parsing text: String) {
    guard !text.utf8.contains(0) else { return nil }
    if text.hasPrefix("/") {
      self = .file(path: text)
      return
    }
    guard let colon = text.firstIndex(of: ":") else { return nil }
    let rest = String(text[text.index(after: colon)...])
    switch text[..<colon] {
    case "file":
      guard rest.hasPrefix("/") else { return nil }
      self = .file(path: rest)
    case "env":
      guard isFieldName(rest) || rest.hasPrefix("_") && isFieldName("a" + rest) else { return nil }
      self = .environment(name: rest)
    case "fd":
      guard rest.utf8.allSatisfy(isDigit), let number = Int32(rest), number <= 65_535 else { return nil }
      self = .descriptor(number)
    case "credential":
      guard isPortableName(rest) else { return nil }
      self = .credential(name: rest)
    default:
      return nil
    }
  }

  public var description: String {
    switch self {
    case .file(let path): "file:\(path)"
    case .environment(let name): "env:\(name)"
    case .descriptor(let number): "fd:\(number)"
    case .credential(let name): "credential:\(name)"
    }
  }
}

extension TableReader {
  mutating func pair(_ key: String, _ remedy: String) -> PairReference? {
    guard table[key] != nil else {
      _ = take(key)
      missing(key, "\(remedy) \(PairReference.forms)")
      return nil
    }
    guard let (text, position) = text(key, PairReference.forms) else { return nil }
    if let reference = PairReference(parsing: text) { return reference }
    // The text is not repeated: somebody may have pasted the secret itself.
    fail(.invalidValue, key, at: position, "does not say where the pair is kept", PairReference.forms)
    return nil
  }
}
