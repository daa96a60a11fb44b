import STTBoard
import Testing

@Suite struct GPIOInputTests {
  private func input(_ entries: [(String, ConfigNode.Value)]) throws -> GPIOInput? {
    let node = agentRoot(source: [("name", .string("s")), ("type", .string("gpio"))] + entries)
    guard case .gpio(let input) = try AgentConfiguration(node).sources[0].input else { return nil }
    return input
  }

  private func problems(_ entries: [(String, ConfigNode.Value)]) -> [ConfigProblem] {
    agentProblems(agentRoot(source: [("name", .string("s")), ("type", .string("gpio"))] + entries))
  }

  @Test func linesAreNamedAndTheRestHasDefaults() throws {
    let input = try #require(try input([("lines", array([.string("GPIO17"), .string("GPIO27")]))]))
    #expect(input.lines == ["GPIO17", "GPIO27"])
    #expect(input.chip == nil)
    #expect(input.offsets == [])
    #expect(input.edge == .both)
    #expect(input.bias == .asIs)
    #expect(!input.isActiveLow)
    #expect(input.debounce == .zero)
  }

  @Test func linesHaveOffsetsOnAChip() throws {
    let input = try #require(
      try input([
        ("chip", .string("pinctrl-rp1")), ("offsets", array([.integer(17), .integer(0)])), ("edge", .string("falling")),
        ("bias", .string("pull-up")), ("active_low", .bool(true)), ("debounce", .string("5 ms")),
      ]))
    #expect(input.chip == "pinctrl-rp1")
    #expect(input.offsets == [17, 0])
    #expect(input.edge == .falling)
    #expect(input.bias == .pullUp)
    #expect(input.isActiveLow)
    #expect(input.debounce == .milliseconds(5))
  }

  @Test func aSourceWithoutLinesIsRefused() {
    #expect(problems([]).map(\.kind) == [.missingKey])
    #expect(problems([("lines", array([]))]).map(\.kind) == [.invalidValue])
  }

  @Test func offsetsNeedTheirChip() {
    #expect(problems([("offsets", array([.integer(1)]))]).map(\.kind) == [.conflict])
  }

  @Test func aLineIsNamedOnceAndOffsetsAreInRange() {
    #expect(problems([("lines", array([.string("A"), .string("A")]))]).map(\.kind) == [.conflict])
    let chip: (String, ConfigNode.Value) = ("chip", .string("c"))
    #expect(
      problems([chip, ("offsets", array([.integer(-1), .integer(65_536)]))]).map(\.kind) == [.outOfRange, .outOfRange])
    #expect(problems([chip, ("offsets", array([.string("1")]))]).map(\.kind) == [.wrongType])
  }

  @Test func sixtyFourLinesArePossibleAndSixtyFiveAreNot() {
    let names = (0..<65).map { ConfigNode.Value.string("L\($0)") }
    #expect(problems([("lines", array(Array(names.prefix(64))))]).isEmpty)
    #expect(problems([("lines", array(names))]).map(\.kind) == [.outOfRange])
    let both: [(String, ConfigNode.Value)] = [
      ("lines", array(Array(names.prefix(64)))), ("chip", .string("c")), ("offsets", array([.integer(1)])),
    ]
    #expect(problems(both).map(\.kind) == [.outOfRange])
  }

  @Test func outputsAreOutOfScopeAndSaySo() {
    let found = problems([("lines", array([.string("A")])), ("output", .bool(true))])
    #expect(found.map(\.kind) == [.conflict])
    #expect(found[0].remedy.contains("inputs only"))
  }
}
