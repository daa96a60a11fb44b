/// A place in a configuration text.
public struct ConfigPosition: Hashable, Sendable, CustomStringConvertible {
  /// The file's name as it was given, or what stands for it (`built-in demo`).
  public var source: String
  /// Counted from 1; 0 when the whole source is meant.
  public var line: Int
  /// Counted from 1 in characters; 0 when the whole line is meant.
  public var column: Int

  public init(source: String, line: Int = 0, column: Int = 0) {
    self.source = source
    self.line = line
    self.column = column
  }

  /// `agent.toml:12:3`, as compilers and editors write it.
  public var description: String {
    if line <= 0 { return source }
    return column <= 0 ? "\(source):\(line)" : "\(source):\(line):\(column)"
  }
}

/// One value of a configuration, with the place it came from, in no particular file format.
public struct ConfigNode: Hashable, Sendable {
  /// What is written there.
  public indirect enum Value: Hashable, Sendable {
    case table(ConfigTable)
    case array([ConfigNode])
    case string(String)
    case integer(Int64)
    case float(Double)
    case bool(Bool)
    /// A date, a time or both, as RFC 3339 writes it.
    case datetime(String)
  }

  public var value: Value
  public var position: ConfigPosition

  public init(_ value: Value, at position: ConfigPosition) {
    self.value = value
    self.position = position
  }

  /// The kind of value in a reader's words: `a string`, `an integer`.
  public var kind: String {
    switch value {
    case .table: "a table"
    case .array: "an array"
    case .string: "a string"
    case .integer: "an integer"
    case .float: "a number with a fraction"
    case .bool: "true or false"
    case .datetime: "a date or time"
    }
  }
}

/// Keys and their values, in the order of the text.
public struct ConfigTable: Hashable, Sendable {
  /// One line of a table.
  public struct Entry: Hashable, Sendable {
    public var key: String
    public var keyPosition: ConfigPosition
    public var node: ConfigNode

    public init(key: String, keyPosition: ConfigPosition, node: ConfigNode) {
      self.key = key
      self.keyPosition = keyPosition
      self.node = node
    }
  }

  /// In the order of the text. No key stands twice.
  public private(set) var entries: [Entry] = []
  // A table with many keys stays linear to build and to read.
  private var indices: [String: Int] = [:]

  public init() {}

  public func index(of key: String) -> Int? { indices[key] }

  public subscript(key: String) -> ConfigNode? {
    index(of: key).map { entries[$0].node }
  }

  /// Sets the value of `key`, in the place of an earlier one or at the end.
  public mutating func set(_ entry: Entry) {
    if let index = indices[entry.key] {
      entries[index] = entry
    } else {
      indices[entry.key] = entries.count
      entries.append(entry)
    }
  }

  /// Replaces the value at `index`, keeping its key.
  public mutating func replaceNode(at index: Int, with node: ConfigNode) {
    precondition(entries.indices.contains(index), "an index that index(of:) gave")
    entries[index].node = node
  }
}
