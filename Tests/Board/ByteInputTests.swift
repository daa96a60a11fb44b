import STTBoard
import Testing

@Suite struct ByteInputTests {
  private func source(_ entries: [(String, ConfigNode.Value)]) throws -> SourceConfiguration {
    try AgentConfiguration(agentRoot(source: [("name", .string("s"))] + entries)).sources[0]
  }

  private func problems(_ entries: [(String, ConfigNode.Value)]) -> [String] {
    agentProblems(agentRoot(source: [("name", .string("s"))] + entries)).map { "\($0.path) \($0.kind)" }
  }

  private let serial: [(String, ConfigNode.Value)] = [
    ("type", .string("serial")), ("device", .string("/dev/ttyUSB0")), ("baud", .integer(9600)),
  ]

  @Test func aSerialLineNeedsItsRateAndReadsLines() throws {
    guard case .serial(let input) = try source(serial).input else {
      Issue.record("the type was serial")
      return
    }
    #expect(input.device == "/dev/ttyUSB0")
    #expect(input.baud == 9600)
    #expect(input.dataBits == 8)
    #expect(input.parity == .none)
    #expect(input.stopBits == 1)
    #expect(input.flowControl == .none)
    #expect(input.cutting.framing == .lines)
    #expect(input.cutting.contents == .text)
    #expect(problems(Array(serial.prefix(2))) == ["source[0].baud missingKey"])
    #expect(problems(serial + [("data_bits", .integer(9))]) == ["source[0].data_bits outOfRange"])
    #expect(problems(serial + [("parity", .string("mark"))]) == ["source[0].parity invalidValue"])
  }

  @Test func recordsNeedTheirLength() throws {
    let record = serial + [("framing", .string("fixed"))]
    #expect(problems(record) == ["source[0].record_size missingKey"])
    guard
      case .serial(let input) = try source(
        record + [("record_size", .integer(12)), ("record_start", .string("aa55"))]
      ).input
    else {
      Issue.record("the type was serial")
      return
    }
    #expect(input.cutting.recordByteCount == 12)
    #expect(input.cutting.recordStart == [0xAA, 0x55])
    for start in ["a", "xx", "", "aa5", String(repeating: "aa", count: 17)] {
      #expect(
        problems(record + [("record_size", .integer(64)), ("record_start", .string(start))]) == [
          "source[0].record_start invalidValue"
        ], "\(start)")
    }
    #expect(
      problems(record + [("record_size", .integer(1)), ("record_start", .string("aa55"))]) == [
        "source[0].record_start conflict"
      ])
    #expect(problems(serial + [("record_size", .integer(12))]) == ["source[0].record_size conflict"])
  }

  @Test func valuesAreWordsOfLines() throws {
    let value = array([table([("name", .string("mass")), ("line", .string("W")), ("unit", .string("kg"))])])
    guard case .serial(let input) = try source(serial + [("framing", .string("nmea")), ("value", value)]).input else {
      Issue.record("the type was serial")
      return
    }
    #expect(input.cutting.separator == ",")
    #expect(input.cutting.values.map(\.name) == ["mass"])
    #expect(problems(serial + [("framing", .string("raw")), ("value", value)]).map { $0.suffix(8) } == ["conflict"])
    #expect(problems(serial + [("separator", .string(","))]) == ["source[0].separator conflict"])
    #expect(problems(serial + [("value", value), ("separator", .string(", "))]) == ["source[0].separator invalidValue"])
    let named = array([table([("name", .string("mass")), ("path", .string("/dev/x"))])])
    #expect(problems(serial + [("value", named)]) == ["source[0].value[0].path unknownKey"])
  }

  @Test func aCommandIsItsWords() throws {
    let words = array([.string("printf"), .string(""), .string("printf")])
    let made = try source([("type", .string("command")), ("command", words), ("framing", .string("h264"))])
    guard case .command(let input) = made.input else {
      Issue.record("the type was command")
      return
    }
    #expect(input.arguments == ["printf", "", "printf"])
    #expect(input.restart == .always)
    #expect(made.maximumMessageByteCount == SourceLimits.cameraMessage.usual, "pictures are larger than lines")
    #expect(
      problems([("type", .string("command")), ("framing", .string("raw"))]) == ["source[0].command missingKey"])
    #expect(
      problems([("type", .string("command")), ("framing", .string("raw")), ("command", array([.string("")]))]) == [
        "source[0].command invalidValue"
      ])
  }

  @Test func aSocketNeedsItsPathAndFraming() {
    #expect(problems([("type", .string("socket"))]) == ["source[0].path missingKey", "source[0].framing missingKey"])
  }

  @Test func pulsesAreCountedInIntervals() throws {
    let gpio: [(String, ConfigNode.Value)] = [("type", .string("gpio")), ("lines", array([.string("METER")]))]
    guard case .gpio(let input) = try source(gpio + [("count", .string("5 s"))]).input else {
      Issue.record("the type was gpio")
      return
    }
    #expect(input.countInterval == .seconds(5))
    guard case .gpio(let edges) = try source(gpio).input else { return }
    #expect(edges.countInterval == nil)
    #expect(
      problems(gpio + [("count", .string("5 s")), ("debounce", .string("1 ms"))]) == ["source[0].debounce conflict"])
  }
}
