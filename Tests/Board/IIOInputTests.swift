import STTBoard
import Testing

@Suite struct IIOInputTests {
  private func input(_ entries: [(String, ConfigNode.Value)]) throws -> IIOInput? {
    let node = agentRoot(source: [("name", .string("s")), ("type", .string("iio"))] + entries)
    guard case .iio(let input) = try AgentConfiguration(node).sources[0].input else { return nil }
    return input
  }

  private func kinds(_ entries: [(String, ConfigNode.Value)]) -> [ConfigProblem.Kind] {
    agentProblems(agentRoot(source: [("name", .string("s")), ("type", .string("iio"))] + entries)).map(\.kind)
  }

  @Test func aDeviceIsPolledOnceASecondUnlessToldOtherwise() throws {
    let input = try #require(try input([("device", .string("adc"))]))
    #expect(input == IIOInput(device: "adc", channels: [], capture: .polled, trigger: nil, rateHertz: 1))
  }

  @Test func aBufferedDeviceKeepsItsRateUnlessOneIsGiven() throws {
    let device: (String, ConfigNode.Value) = ("device", .string("adc"))
    let buffered: (String, ConfigNode.Value) = ("capture", .string("buffered"))
    #expect(try input([device, buffered])?.rateHertz == nil)
    let input = try #require(
      try input([
        device, buffered, ("trigger", .string("t")), ("rate_hz", .integer(5000)), ("channels", array([.string("v0")])),
      ]))
    #expect(input == IIOInput(device: "adc", channels: ["v0"], capture: .buffered, trigger: "t", rateHertz: 5000))
  }

  @Test func aDeviceIsNeededAndATriggerNeedsABuffer() {
    #expect(kinds([]) == [.missingKey])
    #expect(kinds([("device", .string("adc")), ("trigger", .string("t"))]) == [.conflict])
    #expect(kinds([("device", .string("adc")), ("rate_hz", .integer(1001))]) == [.outOfRange])
  }
}
