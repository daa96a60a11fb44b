/// One thing wrong with a configuration: where, what, and what would be right.
public struct ConfigProblem: Hashable, Sendable, CustomStringConvertible {
  /// What kind of mistake it is.
  public enum Kind: Hashable, Sendable {
    /// The text does not follow its format's grammar.
    case syntax
    case unknownKey
    case missingKey
    case wrongType
    case outOfRange
    /// The right type, but no value that makes sense here.
    case invalidValue
    /// Two values that cannot stand together.
    case conflict
  }

  public var kind: Kind
  public var position: ConfigPosition
  /// The key's path, such as `source[2].rate_hz`; empty for the whole text.
  public var path: String
  /// What is wrong, as the middle of a sentence.
  public var message: String
  /// What would be right, as a sentence.
  public var remedy: String

  public init(
    _ kind: Kind, at position: ConfigPosition, path: String, message: String, remedy: String
  ) {
    self.kind = kind
    self.position = position
    self.path = path
    self.message = message
    self.remedy = remedy
  }

  /// `agent.toml:12:3: source[2].rate_hz: 5000 is too large. Give 0.001 to 1000 Hz (…).`
  public var description: String {
    let place = path.isEmpty ? "\(position)" : "\(position): \(path)"
    return remedy.isEmpty ? "\(place): \(message)." : "\(place): \(message). \(remedy)"
  }
}

/// Everything wrong with a configuration, in the order of the text.
public struct ConfigurationError: Error, Hashable, CustomStringConvertible {
  /// Never empty.
  public var problems: [ConfigProblem]

  public init(_ problems: [ConfigProblem]) {
    precondition(!problems.isEmpty, "an error names at least one problem")
    self.problems = problems
  }

  /// One problem a line.
  public var description: String { problems.map(\.description).joined(separator: "\n") }
}
