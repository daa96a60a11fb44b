import STTBoard

/// Builds configuration trees by hand, so that these tests need no file format.
func table(_ entries: [(String, ConfigNode.Value)], line: Int = 1) -> ConfigNode.Value {
  var table = ConfigTable()
  for (index, (key, value)) in entries.enumerated() {
    let position = ConfigPosition(source: "test", line: line + index, column: 1)
    table.set(ConfigTable.Entry(key: key, keyPosition: position, node: ConfigNode(value, at: position)))
  }
  return .table(table)
}

func array(_ values: [ConfigNode.Value], line: Int = 1) -> ConfigNode.Value {
  .array(values.enumerated().map { ConfigNode($1, at: ConfigPosition(source: "test", line: line + $0, column: 3)) })
}

func root(_ entries: [(String, ConfigNode.Value)]) -> ConfigNode {
  ConfigNode(table(entries), at: ConfigPosition(source: "test"))
}

/// A smallest valid agent configuration with some tables exchanged or added.
func agentRoot(
  collector: [(String, ConfigNode.Value)] = [("address", .string("host")), ("pair", .string("/p.pair"))],
  source: [(String, ConfigNode.Value)] = [("name", .string("p")), ("type", .string("pattern"))],
  and more: [(String, ConfigNode.Value)] = []
) -> ConfigNode {
  root([("collector", table(collector)), ("source", array([table(source)]))] + more)
}

func agentProblems(_ node: ConfigNode) -> [ConfigProblem] {
  do throws(ConfigurationError) {
    _ = try AgentConfiguration(node)
    return []
  } catch {
    return error.problems
  }
}

func collectorProblems(_ node: ConfigNode) -> [ConfigProblem] {
  do throws(ConfigurationError) {
    _ = try CollectorConfiguration(node)
    return []
  } catch {
    return error.problems
  }
}
