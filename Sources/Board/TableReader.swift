/// Collects problems while a configuration is read, so that a person sees all of them at once.
final class ConfigProblems {
  /// More than a person reads; keeps a hostile text from growing the list without end.
  static let limit = 100

  private(set) var list: [ConfigProblem] = []
  private var omitted = 0

  func add(_ problem: ConfigProblem) {
    if list.count < Self.limit { list.append(problem) } else { omitted &+= 1 }
  }

  /// Throws what was found, in the order of the text, if anything was.
  func check() throws(ConfigurationError) {
    guard !list.isEmpty else { return }
    var sorted = list
    // Stable within a line, and sources keep the order in which they were first complained about.
    var order: [String: Int] = [:]
    for problem in list where order[problem.position.source] == nil {
      order[problem.position.source] = order.count
    }
    sorted.sort { left, right in
      let (l, r) = (left.position, right.position)
      let (a, b) = (order[l.source] ?? 0, order[r.source] ?? 0)
      return (a, l.line, l.column) < (b, r.line, r.column)
    }
    if omitted > 0, let last = sorted.last {
      sorted.append(
        ConfigProblem(
          .syntax, at: ConfigPosition(source: last.position.source), path: "",
          message: "\(omitted) more problems are not shown", remedy: "Correct these first."))
    }
    throw ConfigurationError(sorted)
  }
}

/// Takes typed values out of one table and remembers which keys it was asked for; what was never
/// asked for is an unknown key.
///
/// Every accessor answers a usable value even after a mistake, so that reading goes on and finds the
/// next one; nothing read is used until ``ConfigProblems/check()`` found the list empty.
struct TableReader {
  let table: ConfigTable
  /// `collector`, `source[2]`, or empty for the top.
  let path: String
  let position: ConfigPosition
  let problems: ConfigProblems
  private var known: [String] = []

  init(_ table: ConfigTable, path: String, position: ConfigPosition, problems: ConfigProblems) {
    self.table = table
    self.path = path
    self.position = position
    self.problems = problems
  }

  /// A reader of the whole text. A root that is no table is a mistake of whoever built it, and is
  /// reported like any other.
  init(root: ConfigNode, problems: ConfigProblems) {
    if case .table(let table) = root.value {
      self.init(table, path: "", position: root.position, problems: problems)
    } else {
      self.init(ConfigTable(), path: "", position: root.position, problems: problems)
      problems.add(
        ConfigProblem(
          .wrongType, at: root.position, path: "", message: "the configuration is \(root.kind)",
          remedy: "Give a table of keys and values."))
    }
  }

  func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// The value of `key`, which from now on is a known key.
  mutating func take(_ key: String) -> ConfigNode? {
    if !known.contains(key) { known.append(key) }
    return table[key]
  }

  func fail(_ kind: ConfigProblem.Kind, _ key: String, at position: ConfigPosition, _ message: String, _ remedy: String) {
    problems.add(ConfigProblem(kind, at: position, path: path(of: key), message: message, remedy: remedy))
  }

  func missing(_ key: String, _ remedy: String) {
    fail(.missingKey, key, at: position, "is missing", remedy)
  }

  func wrongType(_ key: String, _ node: ConfigNode, _ remedy: String) {
    fail(.wrongType, key, at: node.position, "is \(node.kind)", remedy)
  }

  /// A table inside this one; `nil` when it is absent or no table.
  mutating func subtable(_ key: String) -> TableReader? {
    guard let node = take(key) else { return nil }
    guard case .table(let table) = node.value else {
      wrongType(key, node, "Write [\(path(of: key))] on a line of its own and its keys below.")
      return nil
    }
    return TableReader(table, path: path(of: key), position: node.position, problems: problems)
  }

  /// The tables of an array (`[[source]]`), at most `maximum`.
  mutating func subtables(_ key: String, atMost maximum: Int, because reason: String) -> [TableReader] {
    guard let node = take(key) else { return [] }
    let remedy = "Write [[\(path(of: key))]] once for each, and its keys below."
    guard case .array(let elements) = node.value else {
      wrongType(key, node, remedy)
      return []
    }
    if elements.count > maximum {
      fail(
        .outOfRange, key, at: node.position, "has \(elements.count) entries",
        "At most \(maximum) are possible: \(reason).")
    }
    var readers: [TableReader] = []
    for (index, element) in elements.prefix(maximum).enumerated() {
      let elementPath = "\(path(of: key))[\(index)]"
      if case .table(let table) = element.value {
        readers.append(TableReader(table, path: elementPath, position: element.position, problems: problems))
      } else {
        problems.add(
          ConfigProblem(
            .wrongType, at: element.position, path: elementPath, message: "is \(element.kind)", remedy: remedy))
      }
    }
    return readers
  }

  /// Reports every key that nobody asked for. Call once, last.
  func finish() {
    for entry in table.entries where !known.contains(entry.key) {
      let remedy =
        nearestName(to: entry.key, among: known).map { "Did you mean \($0)?" }
        ?? (known.isEmpty ? "" : "Known here: \(known.sorted().joined(separator: ", ")).")
      fail(.unknownKey, shown(entry.key), at: entry.keyPosition, "is not a known key", remedy)
    }
  }
}

/// A text from outside, safe and short enough for a message.
func shown(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars.prefix(80) {
    let isPlain = scalar.value >= 0x20 && scalar.value != 0x7F && !(0x80...0x9F).contains(scalar.value)
    if isPlain { result.unicodeScalars.append(scalar) } else { result += "\\u{\(String(scalar.value, radix: 16))}" }
  }
  return text.unicodeScalars.count > 80 ? result + "…" : result
}
