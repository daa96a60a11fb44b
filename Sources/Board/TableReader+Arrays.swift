extension TableReader {
  /// Texts in an array, each once and none empty; absent means none.
  mutating func texts(_ key: String, atMost maximum: Int, because reason: String, _ remedy: String) -> [String] {
    var result: [String] = []
    for element in elements(key, atMost: maximum, because: reason, remedy) {
      guard case .string(let text) = element.value else {
        wrongType(key, element, remedy)
        continue
      }
      if text.isEmpty || text.utf8.contains(0) || text.utf8.count > 255 {
        fail(.invalidValue, key, at: element.position, "\"\(shown(text))\" is no name", remedy)
      } else {
        add(text, to: &result, key, element, "\"\(shown(text))\"")
      }
    }
    return result
  }

  /// Texts in an array that may repeat and be empty, such as a program's arguments; absent means none.
  mutating func words(_ key: String, atMost maximum: Int, because reason: String, _ remedy: String) -> [String] {
    var result: [String] = []
    for (index, element) in elements(key, atMost: maximum, because: reason, remedy).enumerated() {
      guard case .string(let text) = element.value else {
        wrongType(key, element, remedy)
        continue
      }
      if text.utf8.contains(0) || text.utf8.count > 4_095 || index == 0 && text.isEmpty {
        fail(.invalidValue, key, at: element.position, "\"\(shown(text))\" is no argument", remedy)
      } else {
        result.append(text)
      }
    }
    return result
  }

  /// Whole numbers in an array, each once; absent means none.
  mutating func integers(_ key: String, _ limit: Limit<Int>, atMost maximum: Int, because reason: String) -> [Int] {
    let remedy = "Give an array of whole numbers from \(limit.minimum) to \(limit.maximum): \(limit.reason)."
    var result: [Int] = []
    for element in elements(key, atMost: maximum, because: reason, remedy) {
      guard case .integer(let written) = element.value else {
        wrongType(key, element, remedy)
        continue
      }
      let value = Int(clamping: written)
      if limit.contains(value) {
        add(value, to: &result, key, element, "\(value)")
      } else {
        fail(
          .outOfRange, key, at: element.position, "\(written) is too \(value < limit.minimum ? "small" : "large")", remedy)
      }
    }
    return result
  }

  private mutating func elements(
    _ key: String, atMost maximum: Int, because reason: String, _ remedy: String
  ) -> [ConfigNode] {
    guard let node = take(key) else { return [] }
    guard case .array(let elements) = node.value else {
      wrongType(key, node, remedy)
      return []
    }
    if elements.isEmpty { fail(.invalidValue, key, at: node.position, "is empty", remedy) }
    if elements.count > maximum {
      fail(
        .outOfRange, key, at: node.position, "has \(elements.count) entries", "At most \(maximum) are possible: \(reason).")
    }
    return Array(elements.prefix(maximum))
  }

  private func add<Value: Equatable>(
    _ value: Value, to result: inout [Value], _ key: String, _ element: ConfigNode, _ text: String
  ) {
    if result.contains(value) {
      fail(.conflict, key, at: element.position, "names \(text) twice", "Name each once.")
    } else {
      result.append(value)
    }
  }
}
