extension TableReader {
  /// A whole number inside `limit`.
  mutating func integer(_ key: String, _ limit: Limit<Int>, unit: String = "") -> Int {
    guard let node = take(key) else { return limit.usual }
    let suffix = unit.isEmpty ? "" : " \(unit)"
    let remedy = "Give a whole number from \(limit.minimum) to \(limit.maximum)\(suffix): \(limit.reason)."
    guard case .integer(let value) = node.value else {
      wrongType(key, node, remedy)
      return limit.usual
    }
    return bounded(key, Int(clamping: value), limit, at: node.position, text: "\(value)\(suffix)", remedy)
  }

  /// A number with or without a fraction inside `limit`.
  mutating func number(_ key: String, _ limit: Limit<Double>, unit: String = "") -> Double {
    guard let node = take(key) else { return limit.usual }
    let suffix = unit.isEmpty ? "" : " \(unit)"
    let remedy = "Give a number from \(plain(limit.minimum)) to \(plain(limit.maximum))\(suffix): \(limit.reason)."
    let value: Double
    switch node.value {
    case .integer(let whole): value = Double(whole)
    case .float(let fraction): value = fraction
    default:
      wrongType(key, node, remedy)
      return limit.usual
    }
    if value.isNaN {
      fail(.invalidValue, key, at: node.position, "is not a number (nan)", remedy)
      return limit.usual
    }
    return bounded(key, value, limit, at: node.position, text: "\(plain(value))\(suffix)", remedy)
  }

  /// Bytes: a whole number, or a text such as `"64 MiB"`.
  mutating func size(_ key: String, _ limit: Limit<Int>) -> Int {
    guard let node = take(key) else { return limit.usual }
    let range = "\(Quantity.text(bytes: limit.minimum)) to \(Quantity.text(bytes: limit.maximum))"
    let remedy =
      "Give bytes as a whole number, or a text such as \"\(Quantity.text(bytes: limit.usual))\" (B, KiB, MiB, GiB, TiB), from \(range): \(limit.reason)."
    switch node.value {
    case .integer(let value):
      return bounded(key, Int(clamping: value), limit, at: node.position, text: "\(value) bytes", remedy)
    case .string(let text):
      guard let value = Quantity.bytes(text) else {
        fail(.invalidValue, key, at: node.position, "\"\(shown(text))\" is no size", remedy)
        return limit.usual
      }
      return bounded(key, value, limit, at: node.position, text: shown(text), remedy)
    default:
      wrongType(key, node, remedy)
      return limit.usual
    }
  }

  /// A text such as `"250 ms"`. Bare numbers are refused, because nobody can see their unit.
  mutating func duration(_ key: String, _ limit: Limit<Duration>) -> Duration {
    guard let node = take(key) else { return limit.usual }
    let range = "\(Quantity.text(limit.minimum)) to \(Quantity.text(limit.maximum))"
    let remedy =
      "Give a text such as \"\(Quantity.text(limit.usual))\" (us, ms, s, min, h, d), from \(range): \(limit.reason)."
    guard case .string(let text) = node.value else {
      wrongType(key, node, remedy)
      return limit.usual
    }
    guard let value = Quantity.duration(text) else {
      fail(.invalidValue, key, at: node.position, "\"\(shown(text))\" is no duration", remedy)
      return limit.usual
    }
    return bounded(key, value, limit, at: node.position, text: shown(text), remedy)
  }

  mutating func flag(_ key: String, usual: Bool) -> Bool {
    guard let node = take(key) else { return usual }
    guard case .bool(let value) = node.value else {
      wrongType(key, node, "Write true or false, without quotes.")
      return usual
    }
    return value
  }

  /// Any 64 bits, written as a whole number (TOML's are signed).
  mutating func bits(_ key: String, usual: UInt64) -> UInt64 {
    guard let node = take(key) else { return usual }
    guard case .integer(let value) = node.value else {
      wrongType(key, node, "Give a whole number.")
      return usual
    }
    return UInt64(bitPattern: value)
  }

  /// One of a type's names.
  mutating func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, usual: Choice) -> Choice
  where Choice.RawValue == String {
    guard let node = take(key) else { return usual }
    return choice(key, node, Choice.self) ?? usual
  }

  /// One of a type's names, which must be written.
  mutating func requiredChoice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ type: Choice.Type, _ missingRemedy: String
  ) -> Choice? where Choice.RawValue == String {
    guard let node = take(key) else {
      missing(key, missingRemedy)
      return nil
    }
    return choice(key, node, type)
  }

  func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ node: ConfigNode, _ type: Choice.Type
  ) -> Choice? where Choice.RawValue == String {
    let names = Choice.allCases.map(\.rawValue)
    let all = "It is one of: \(names.map { "\"\($0)\"" }.joined(separator: ", "))."
    guard case .string(let text) = node.value else {
      wrongType(key, node, all)
      return nil
    }
    if let value = Choice(rawValue: text) { return value }
    let guess = nearestName(to: text, among: names).map { "Did you mean \"\($0)\"? " } ?? ""
    fail(.invalidValue, key, at: node.position, "\"\(shown(text))\" is not known here", guess + all)
    return nil
  }

  /// Choices in an array, each once; absent means `usual`.
  mutating func choices<Choice: RawRepresentable & CaseIterable & Equatable>(
    _ key: String, usual: [Choice]
  ) -> [Choice] where Choice.RawValue == String {
    guard let node = take(key) else { return usual }
    let names = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    guard case .array(let elements) = node.value else {
      wrongType(key, node, "Give an array of: \(names).")
      return usual
    }
    var result: [Choice] = []
    for element in elements.prefix(64) {
      guard let value = choice(key, element, Choice.self) else { continue }
      if result.contains(value) {
        fail(.conflict, key, at: element.position, "names \"\(value.rawValue)\" twice", "Name each once.")
      } else {
        result.append(value)
      }
    }
    if elements.isEmpty {
      fail(.invalidValue, key, at: node.position, "is empty", "Name at least one of: \(names).")
    }
    return result
  }

  private func bounded<Value: Comparable>(
    _ key: String, _ value: Value, _ limit: Limit<Value>, at position: ConfigPosition, text: String, _ remedy: String
  ) -> Value {
    if limit.contains(value) { return value }
    fail(.outOfRange, key, at: position, "\(text) is too \(value < limit.minimum ? "small" : "large")", remedy)
    return limit.usual
  }
}

/// `1000` rather than `1000.0`.
func plain(_ value: Double) -> String {
  value.rounded() == value && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
}
