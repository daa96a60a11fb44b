import STTBoard
import Testing

@Suite struct SourceConfigurationTests {
  private func source(_ entries: [(String, ConfigNode.Value)]) throws -> SourceConfiguration {
    try AgentConfiguration(agentRoot(source: [("name", .string("s"))] + entries)).sources[0]
  }

  private func problems(_ entries: [(String, ConfigNode.Value)]) -> [ConfigProblem] {
    agentProblems(agentRoot(source: [("name", .string("s"))] + entries))
  }

  @Test func aPolledSourceReadsItsValues() throws {
    let made = try source([
      ("type", .string("poll")), ("rate_hz", .integer(10)),
      (
        "value",
        array([
          table([
            ("name", .string("core_temperature")), ("path", .string("/sys/class/thermal/thermal_zone0/temp")),
            ("parse", .string("integer")), ("unit", .string("Cel")), ("scale", .float(0.001)), ("offset", .integer(-1)),
          ]),
          table([("name", .string("free")), ("path", .string("/proc/meminfo")), ("line", .string("MemAvailable:"))]),
        ])
      ),
    ])
    guard case .poll(let poll) = made.input else {
      Issue.record("the type was poll")
      return
    }
    #expect(poll.rateHertz == 10)
    #expect(poll.values.map(\.name) == ["core_temperature", "free"])
    #expect(poll.values[0].parse == .integer)
    #expect(poll.values[0].unit == "Cel")
    #expect(poll.values[0].scale == 0.001)
    #expect(poll.values[0].offset == -1)
    #expect(poll.values[0].line == nil)
    #expect(poll.values[1].parse == .number)
    #expect(poll.values[1].line == "MemAvailable:")
    #expect(poll.values[1].column == 1)
    #expect(poll.values[1].scale == 1)
    #expect(poll.values[1].offset == 0)
  }

  @Test func aPolledSourceNeedsAValueAndEachValueAName() {
    #expect(problems([("type", .string("poll"))]).map(\.path) == ["source[0].value"])
    let nameless = problems([("type", .string("poll")), ("value", array([table([("path", .string("/p"))])]))])
    #expect(nameless.map(\.path) == ["source[0].value[0].name"])
    let value = table([("name", .string("a")), ("path", .string("/p"))])
    #expect(problems([("type", .string("poll")), ("value", array([value, value]))]).map(\.kind) == [.conflict])
  }

  @Test(arguments: ["1st", "with-dash", "", "ü", "a b", String(repeating: "a", count: 65)])
  func aValueNameIsAnIdentifier(name: String) {
    let value = table([("name", .string(name)), ("path", .string("/p"))])
    #expect(problems([("type", .string("poll")), ("value", array([value]))]).map(\.kind) == [.invalidValue])
  }

  @Test func textAndTruthValuesAreNotScaled() {
    for parse in ["text", "boolean"] {
      let value = table([("name", .string("a")), ("path", .string("/p")), ("parse", .string(parse)), ("scale", .integer(2))])
      #expect(problems([("type", .string("poll")), ("value", array([value]))]).map(\.kind) == [.conflict])
    }
  }

  @Test func errorCorrectionIsOffExceptWhereADeadlineMayBeShort() throws {
    let pattern: (String, ConfigNode.Value) = ("type", .string("pattern"))
    #expect(try source([pattern]).errorCorrection == .off)
    #expect(try source([pattern, ("delivery", .string("unreliable"))]).errorCorrection == .off)
    let partial = try source([pattern, ("delivery", .string("partial"))])
    #expect(partial.errorCorrection == .automatic)
    #expect(partial.errorCorrectionData == 12 && partial.errorCorrectionParity == 4)
    #expect(
      try source([pattern, ("delivery", .string("partial")), ("padding", .string("constant"))]).errorCorrection == .off)
    #expect(try source([pattern, ("delivery", .string("partial")), ("fec", .string("off"))]).errorCorrection == .off)
    let xor = try source([pattern, ("fec", .string("xor"))])
    #expect(xor.errorCorrectionData == 6 && xor.errorCorrectionParity == 1)
    let code = try source([pattern, ("fec", .string("rs")), ("fec_data", .integer(32)), ("fec_parity", .integer(8))])
    #expect(code.errorCorrection == .reedSolomon)
    #expect(code.errorCorrectionData == 32 && code.errorCorrectionParity == 8)
  }

  @Test func errorCorrectionThatMakesNoSenseIsRefusedWhereItStands() {
    let pattern: (String, ConfigNode.Value) = ("type", .string("pattern"))
    func paths(_ entries: (String, ConfigNode.Value)...) -> [String] {
      problems([pattern] + entries).map { "\($0.kind) \($0.path)" }
    }
    let rs: (String, ConfigNode.Value) = ("fec", .string("rs"))
    #expect(paths(("fec", .string("auto"))) == ["conflict source[0].fec"])
    #expect(paths(rs, ("padding", .string("constant"))) == ["conflict source[0].fec"])
    #expect(paths(("fec_data", .integer(4))) == ["conflict source[0].fec_data"])
    #expect(paths(("fec", .string("xor")), ("fec_parity", .integer(2))) == ["conflict source[0].fec_parity"])
    #expect(paths(rs, ("fec_data", .integer(3)), ("fec_parity", .integer(4))) == ["conflict source[0].fec_parity"])
    #expect(paths(rs, ("fec_data", .integer(3))).isEmpty)
    for (key, value) in [("fec_data", 1), ("fec_data", 33), ("fec_parity", 0), ("fec_parity", 9)] {
      #expect(paths(rs, (key, .integer(Int64(value)))).count == 1, "\(key) = \(value)")
    }
  }

  @Test func aFileNeedsItsFraming() throws {
    #expect(problems([("type", .string("file")), ("path", .string("/dev/x"))]).map(\.path) == ["source[0].framing"])
    let made = try source([
      ("type", .string("file")), ("path", .string("/dev/x")), ("framing", .string("length-u32-le")),
      ("max_message", .string("16 MiB")), ("loop", .bool(true)), ("rate_hz", .integer(30)),
    ])
    #expect(made.maximumMessageByteCount == 16 << 20)
    guard case .file(let file) = made.input else {
      Issue.record("the type was file")
      return
    }
    #expect(file.cutting.framing == .lengthU32LittleEndian)
    #expect(file.loop)
    #expect(file.rateHertz == 30)
  }

  @Test func aCameraIsTheFirstOneUnlessNamed() throws {
    for entries: [(String, ConfigNode.Value)] in [[], [("device", .string("auto"))]] {
      guard case .camera(let camera) = try source([("type", .string("camera"))] + entries).input else {
        Issue.record("the type was camera")
        continue
      }
      #expect(camera.device == nil)
      #expect(camera.format == .automatic)
      #expect(camera.width == 640)
      #expect(camera.height == 480)
      #expect(camera.framesPerSecond == 15)
    }
    guard case .camera(let named) = try source([("type", .string("camera")), ("device", .string("/dev/video2"))]).input
    else {
      Issue.record("the type was camera")
      return
    }
    #expect(named.device == "/dev/video2")
  }

  @Test func systemGroupsAreNamedOnce() throws {
    guard case .system(let all) = try source([("type", .string("system"))]).input else {
      Issue.record("the type was system")
      return
    }
    #expect(all.groups == SystemGroup.allCases.filter { $0 != .onewire }, "a slow thermometer would hold up the others")
    #expect(
      problems([("type", .string("system")), ("groups", array([.string("cpu"), .string("cpu")]))]).map(\.kind) == [.conflict]
    )
    #expect(problems([("type", .string("system")), ("groups", array([]))]).map(\.kind) == [.invalidValue])
    #expect(
      problems([("type", .string("system")), ("groups", array([.string("cpus")]))]).first?.remedy.contains(
        "Did you mean \"cpu\"?") == true)
  }

  @Test(arguments: [0.0009, 1000.1, .infinity, -1, .nan])
  func aRateOutsideItsLimitIsRefused(rate: Double) {
    let value = table([("name", .string("a")), ("path", .string("/p"))])
    #expect(
      problems([("type", .string("poll")), ("rate_hz", .float(rate)), ("value", array([value]))]).map(\.path) == [
        "source[0].rate_hz"
      ])
  }

  @Test func priorityAccepts7Rejects8() throws {
    #expect(try source([("type", .string("system")), ("priority", .integer(7))]).priority == 7)
    #expect(problems([("type", .string("system")), ("priority", .integer(8))]).map(\.kind) == [.outOfRange])
    #expect(problems([("type", .string("system")), ("priority", .integer(.max))]).map(\.kind) == [.outOfRange])
  }
}
