import Glibc
import ModbusDevices
import Testing

extension EndToEnd {
  @Suite(.serialized) struct Sources {
    private static let command = """
      [[source]]
      name = "scale"
      type = "command"
      command = ["printf", "W 12.5 kg\\nnothing\\nW 13 kg\\n"]
      restart = "never"
      framing = "lines"
      [[source.value]]
      name = "mass"
      line = "W"
      unit = "kg"

      """

    @Test func aSourceWithoutItsDeviceKeepsNoOtherFromStreaming() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      let missing = "[[source]]\nname = \"eye\"\ntype = \"camera\"\ndevice = \"\(site.path)/video\"\n"
      let agent = try await site.startAgent(
        AgentSettings(sources: [missing, Source.pattern(count: 50), Self.command]))
      try await site.recorded("pattern", 50)
      try await site.recorded("scale", 2)
      try await site.recorded("stt/agent", 1)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
      let events = try await site.stt(["replay", site.recordings, "--fast", "--format", "ndjson", "--streams", "stt/agent"])
      #expect(events.output.contains("\"unavailable\""), "\(events)")
      #expect(events.output.contains("\(site.path)/video"), "\(events)")
      let stream = try #require(try await site.inspect().files.flatMap(\.streams).first { $0.name == "scale" })
      #expect(stream.messages == 2)
      #expect(stream.schema == "stt.scale")
      #expect(stream.fields.map { "\($0.name) \($0.unit)" } == ["mass kg"])
    }

    /// As rpicam-vid writes it, here from a recorded stream.
    @Test func aStreamOfH264FromAProgramIsRecordedPictureByPicture() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      let recorded = #filePath.split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/LinuxFile/recorded.h264"
      let camera = """
        [[source]]
        name = "camera"
        type = "command"
        command = ["cat", "\(recorded)"]
        restart = "never"
        framing = "h264"

        """
      let agent = try await site.startAgent(AgentSettings(sources: [camera]))
      try await site.recorded("camera", 20)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
      let stream = try #require(try await site.inspect().files.flatMap(\.streams).first { $0.name == "camera" })
      #expect(stream.messages == 20)
      #expect(stream.schema == "foxglove.CompressedVideo")
    }

    @Test(
      .enabled(
        if: ModbusDevices.python != nil, "needs STT_TEST_PYTHON: an interpreter with the packages of Tests/requirements.txt")
    )
    func registersOfModbusDevicesAreRecordedWithTheirUnits() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      let devices = try ModbusDevices()
      let meter = """
        [[source]]
        name = "meter"
        type = "modbus"
        device = "\(devices.path)"
        parity = "none"
        timeout = "5 s"
        rate_hz = 20
        [[source.value]]
        name = "voltage"
        unit_address = 3
        register = 0
        format = "float32"
        unit = "V"
        [[source.value]]
        name = "answer"
        unit_address = 7
        register = 0

        """
      let agent = try await site.startAgent(AgentSettings(sources: [meter]))
      try await site.recorded("meter", 20)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
      let stream = try #require(try await site.inspect().files.flatMap(\.streams).first { $0.name == "meter" })
      #expect(stream.fields.map { "\($0.name) \($0.unit)" } == ["voltage V", "answer "])
      let replay = try await site.stt(["replay", site.recordings, "--fast", "--format", "ndjson", "--streams", "meter"])
      #expect(replay.output.split(separator: "\n").allSatisfy { $0.contains("230.5") && $0.contains("42") }, "\(replay)")
    }

    @Test func whatProbeSuggestsIsARightConfiguration() async throws {
      let site = try await Site()
      let probe = try await site.run("stt-agent", ["probe", "--configuration"])
      #expect(probe.code == 0, "\(probe)")
      #expect(probe.output.contains("type = \"system\""))
      let file = try site.writeAgent(AgentSettings(sources: [probe.output]))
      let check = try await site.run("stt-agent", ["check", "--config", file])
      #expect(check.code == 0, "\(check)")
      let whole = try await site.run("stt-agent", ["probe"])
      for part in ["GPIO chips (libgpiod ", "Industrial I/O devices", "Cameras", "Serial ports", "load: load1 (1)"] {
        #expect(whole.output.contains(part), "\(whole)")
      }
    }

    @Test func watchShowsValuesWithTheirUnits() async throws {
      let site = try await Site()
      let file = try site.writeAgent(AgentSettings(sources: [Self.command]))
      let watch = try await site.run("stt-agent", ["watch", "scale", "--config", file, "--for", "5"])
      #expect(watch.code == 0, "\(watch)")
      let lines = watch.output.split(separator: "\n").map { $0.drop { $0 != " " } }
      #expect(lines.prefix(2) == [" scale mass=12.5 kg", " scale mass=13 kg"], "\(watch)")
      let other = try await site.run("stt-agent", ["watch", "door", "--config", file])
      #expect(other.code == 2)
      #expect(other.output.contains("has no source door; it has scale"), "\(other)")
    }
  }
}
