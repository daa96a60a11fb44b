public import STTBoard

/// Lays a later configuration over an earlier one.
///
/// Tables are merged key by key and a later value replaces an earlier one. Arrays of tables grow:
/// an element with a `name` that an earlier element has replaces that element as a whole, every
/// other is added at the end. Other arrays are replaced.
public func merge(_ later: ConfigNode, over earlier: ConfigNode) -> ConfigNode {
  switch (earlier.value, later.value) {
  case (.table(var table), .table(let additions)):
    for entry in additions.entries {
      if let index = table.index(of: entry.key) {
        table.replaceNode(at: index, with: merge(entry.node, over: table.entries[index].node))
      } else {
        table.set(entry)
      }
    }
    return ConfigNode(.table(table), at: earlier.position)
  case (.array(let elements), .array(let additions)) where areTables(elements) && areTables(additions):
    return ConfigNode(.array(mergeTables(additions, over: elements)), at: earlier.position)
  default:
    return later
  }
}

private func areTables(_ elements: [ConfigNode]) -> Bool {
  !elements.isEmpty && elements.allSatisfy { if case .table = $0.value { true } else { false } }
}

private func mergeTables(_ additions: [ConfigNode], over elements: [ConfigNode]) -> [ConfigNode] {
  var result = elements
  var indices: [String: Int] = [:]
  for (index, element) in elements.enumerated() {
    if let name = name(of: element), indices[name] == nil { indices[name] = index }
  }
  for addition in additions {
    // Only names of the earlier text are replaced: a name twice in one text stays a reported mistake.
    if let name = name(of: addition), let index = indices.removeValue(forKey: name) {
      result[index] = addition
    } else {
      result.append(addition)
    }
  }
  return result
}

private func name(of element: ConfigNode) -> String? {
  guard case .table(let table) = element.value, case .string(let name) = table["name"]?.value else { return nil }
  return name
}
