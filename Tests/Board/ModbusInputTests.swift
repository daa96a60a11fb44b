import STTBoard
import Testing

@Suite struct ModbusInputTests {
  private func root(_ entries: [(String, ConfigNode.Value)], values: [[(String, ConfigNode.Value)]]) -> ConfigNode {
    agentRoot(
      source: [("name", .string("s")), ("type", .string("modbus")), ("device", .string("/dev/ttyUSB0"))] + entries + [
        ("value", array(values.map { table($0) }))
      ])
  }

  private func problems(_ entries: [(String, ConfigNode.Value)] = [], values: [[(String, ConfigNode.Value)]]) -> [String] {
    agentProblems(root(entries, values: values)).map { "\($0.path) \($0.kind)" }
  }

  private let voltage: [(String, ConfigNode.Value)] = [("name", .string("voltage")), ("register", .integer(0))]

  @Test func aLineIsAsTheStandardHasItUnlessToldOtherwise() throws {
    let other =
      voltage.dropFirst() + [
        ("name", .string("door")), ("unit_address", .integer(7)), ("table", .string("discrete")),
      ]
    let node = root([("unit_address", .integer(3))], values: [voltage, Array(other)])
    guard case .modbus(let input) = try AgentConfiguration(node).sources[0].input else {
      Issue.record("the type was modbus")
      return
    }
    #expect(input.baud == 19_200 && input.parity == .even && input.stopBits == 1)
    #expect(input.timeout == .milliseconds(500) && input.rateHertz == 1)
    #expect(input.values.map(\.name) == ["voltage", "door"])
    #expect(input.values.map(\.unitAddress) == [3, 7])
    #expect(input.values.map(\.table) == [.holding, .discrete])
    #expect(input.values[0].format == .uint16 && input.values[0].order == .abcd && input.values[0].scale == 1)
  }

  @Test func whatCanNotBeIsSaid() {
    #expect(problems(values: [Array(voltage.prefix(1))]) == ["source[0].value[0].register missingKey"])
    #expect(problems(values: [Array(voltage.suffix(1))]) == ["source[0].value[0].name missingKey"])
    #expect(problems(values: [voltage, voltage]) == ["source[0].value[1].name conflict"])
    #expect(problems([("unit_address", .integer(248))], values: [voltage]) == ["source[0].unit_address outOfRange"])
    let bit: [(String, ConfigNode.Value)] = voltage + [("table", .string("coil"))]
    #expect(problems(values: [bit + [("scale", .integer(2))]]) == ["source[0].value[0].scale conflict"])
    #expect(problems(values: [bit + [("format", .string("int16"))]]) == ["source[0].value[0].format conflict"])
    let last: [(String, ConfigNode.Value)] = [("name", .string("v")), ("register", .integer(65_535))]
    #expect(problems(values: [last]) == [])
    #expect(problems(values: [last + [("format", .string("float32"))]]) == ["source[0].value[0].register outOfRange"])
    #expect(problems(values: [voltage + [("order", .string("acbd"))]]) == ["source[0].value[0].order invalidValue"])
  }
}
