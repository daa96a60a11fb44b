import STTBoard
import Testing

@Suite struct AgentConfigurationTests {
  @Test func aSmallTextGetsEveryDefault() throws {
    let agent = try AgentConfiguration(agentRoot())
    #expect(agent.deviceName == nil)
    #expect(agent.stateDirectory == "/var/lib/stt/agent")
    #expect(agent.statusSocket == "/run/stt/agent/status.sock")
    #expect(agent.collector.address == NetworkAddress(host: "host", port: 4650))
    #expect(agent.collector.pair == .file(path: "/p.pair"))
    #expect(agent.collector.mode == .hybrid)
    #expect(agent.collector.cipher == .automatic)
    #expect(agent.collector.maximumDatagramByteCount == 65507)
    #expect(agent.buffers.memoryByteCount == 32 << 20)
    #expect(agent.buffers.unacknowledgedByteCount == 16 << 20)
    #expect(agent.buffers.queueLength == 256)
    #expect(agent.sources.count == 1)
    let source = try #require(agent.sources.first)
    #expect(source.name == "p")
    #expect(source.delivery == .reliable)
    #expect(source.durability == .durable)
    #expect(source.priority == 1)
    #expect(source.purpose == "main")
    #expect(source.maximumMessageByteCount == 1024)
    guard case .pattern(let pattern) = source.input else {
      Issue.record("the type was pattern")
      return
    }
    #expect(pattern.messageByteCount == 1024)
    #expect(pattern.rateHertz == nil)
    #expect(pattern.count == nil)
    #expect(pattern.seed == 1)
  }

  @Test func everyMistakeIsReportedAtOnceInTheOrderOfTheText() {
    let problems = agentProblems(
      root([
        ("colector", table([], line: 1)),
        (
          "collector",
          table([("adress", .string("host")), ("pair", .integer(3)), ("max_datagram", .integer(70_000))], line: 10)
        ),
        ("source", array([table([("name", .string("a b")), ("type", .string("patern"))], line: 20)])),
      ]))
    #expect(
      problems.map(\.path) == [
        "colector", "collector.address", "collector.adress", "collector.pair", "collector.max_datagram", "source[0].name",
        "source[0].type",
      ])
    #expect(
      problems.map(\.kind) == [.unknownKey, .missingKey, .unknownKey, .wrongType, .outOfRange, .invalidValue, .invalidValue])
  }

  @Test func anUnknownKeyNamesTheNearestKnownOne() throws {
    let problem = try #require(
      agentProblems(
        agentRoot(source: [("name", .string("p")), ("type", .string("pattern")), ("mesage_size", .integer(64))])
      ).first)
    #expect(problem.description == "test:3:1: source[0].mesage_size: is not a known key. Did you mean message_size?")
  }

  @Test func aKeyOfAnotherTypeIsUnknownHere() throws {
    let problem = try #require(
      agentProblems(agentRoot(source: [("name", .string("p")), ("type", .string("pattern")), ("framing", .string("raw"))]))
        .first)
    #expect(problem.kind == .unknownKey)
    #expect(problem.remedy.contains("message_size"))
  }

  @Test(arguments: [(1_199, false), (1_200, true), (65_507, true), (65_508, false)])
  func datagramAccepts1200To65507(size: Int, isAccepted: Bool) {
    let problems = agentProblems(
      agentRoot(collector: [("address", .string("h")), ("pair", .string("/p")), ("max_datagram", .integer(Int64(size)))]))
    #expect(problems.isEmpty == isAccepted)
    #expect(problems.allSatisfy { $0.kind == .outOfRange && $0.remedy.contains("1200 to 65507") })
  }

  @Test func sizesAreNumbersOrTextsWithAUnit() throws {
    for (value, bytes): (ConfigNode.Value, Int) in [
      (.string("4 MiB"), 4 << 20), (.string("4MiB"), 4 << 20), (.integer(5_000_000), 5_000_000),
      (.string("2 GB"), 2_000_000_000),
    ] {
      #expect(
        try AgentConfiguration(agentRoot(and: [("buffers", table([("memory", value)]))])).buffers.memoryByteCount == bytes)
    }
    for wrong in ["4", "4 mib", "MiB", "-4 MiB", "4.5 MiB", "99999999999999999999 B", "9999999999 TiB", "4 MiB ", "4 Mi B"] {
      let problems = agentProblems(agentRoot(and: [("buffers", table([("memory", .string(wrong))]))]))
      #expect(problems.map(\.kind) == [.invalidValue], "\(wrong)")
    }
  }

  @Test func whatIsUnacknowledgedFitsInTheMemory() {
    let conflict = agentProblems(
      agentRoot(and: [("buffers", table([("memory", .string("8 MiB")), ("unacknowledged", .string("9 MiB"))]))]))
    #expect(conflict.map(\.kind) == [.conflict])
    #expect(agentProblems(agentRoot(and: [("buffers", table([("memory", .string("1 MiB"))]))])).isEmpty)
  }

  @Test func unreliableIsNotDurableUnlessSomebodySaysSoWhichIsAConflict() throws {
    let plain = agentRoot(source: [
      ("name", .string("p")), ("type", .string("pattern")), ("delivery", .string("unreliable")),
    ])
    #expect(try AgentConfiguration(plain).sources[0].durability == .periodic)
    let problems = agentProblems(
      agentRoot(source: [
        ("name", .string("p")), ("type", .string("pattern")), ("delivery", .string("unreliable")),
        ("durability", .string("durable")),
      ]))
    #expect(problems.map(\.kind) == [.conflict])
  }

  @Test func aReliableSourceMayBeVolatile() throws {
    let source = agentRoot(source: [
      ("name", .string("p")), ("type", .string("pattern")), ("durability", .string("volatile")),
    ])
    #expect(try AgentConfiguration(source).sources[0].durability == .volatile)
  }

  @Test func twoSourcesOfOneNameAreAConflictThatNamesBothPlaces() throws {
    let source = table([("name", .string("p")), ("type", .string("pattern"))], line: 7)
    let problem = try #require(
      agentProblems(
        root([
          ("collector", table([("address", .string("h")), ("pair", .string("/p"))])), ("source", array([source, source])),
        ])
      ).first)
    #expect(problem.path == "source[1].name")
    #expect(problem.message == "\"p\" is taken by the source at test:7:1")
  }

  @Test func sixtyFourSourcesAreAccepted65AreNot() {
    func problems(_ count: Int) -> [ConfigProblem] {
      agentProblems(
        root([
          ("collector", table([("address", .string("h")), ("pair", .string("/p"))])),
          ("source", array((0..<count).map { table([("name", .string("p\($0)")), ("type", .string("pattern"))]) })),
        ]))
    }
    #expect(problems(64).isEmpty)
    #expect(problems(65).map(\.kind) == [.outOfRange])
  }

  @Test func aPairThatIsNoReferenceIsNotRepeatedInTheMessage() throws {
    let secret = "7f0c5d"
    let problem = try #require(
      agentProblems(agentRoot(collector: [("address", .string("h")), ("pair", .string(secret))])).first)
    #expect(!problem.description.contains(secret))
  }

  @Test func theStatusSocketCanBeSwitchedOffAndHoldsAtMost107Bytes() throws {
    func agent(_ path: String) -> ConfigNode { agentRoot(and: [("agent", table([("status_socket", .string(path))]))]) }
    #expect(try AgentConfiguration(agent("")).statusSocket == nil)
    #expect(try AgentConfiguration(agent("/" + String(repeating: "a", count: 106))).statusSocket?.utf8.count == 107)
    #expect(agentProblems(agent("/" + String(repeating: "a", count: 107))).map(\.kind) == [.outOfRange])
    #expect(agentProblems(agent("relative")).map(\.kind) == [.invalidValue])
  }

  @Test func aRootThatIsNoTableIsReported() {
    #expect(agentProblems(ConfigNode(.integer(1), at: ConfigPosition(source: "x"))).first?.kind == .wrongType)
  }
}
