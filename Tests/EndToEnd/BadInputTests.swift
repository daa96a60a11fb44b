import Glibc
import Testing

extension EndToEnd {
  @Suite(.serialized) struct BadInput {
    private static let sources = [Source.pattern(rate: 10, count: 10)]

    // MARK: - Configurations

    @Test func anUnknownKeyIsNamedWithItsPlaceAndTheRightOne() async throws {
      let site = try await Site()
      let agent = try site.writeAgent(AgentSettings(sources: ["[[source]]\nname = \"a\"\ntype = \"system\"\nrate = 2\n"]))
      for command in ["check", "run"] {
        let outcome = try await site.run("stt-agent", [command, "--config", agent])
        #expect(outcome.code == 2)
        #expect(outcome.said.contains("agent.toml:\(line(of: "rate = 2", in: agent)):1: source[0].rate"), "\(outcome)")
        #expect(outcome.said.contains("rate_hz"), "\(outcome)")
      }
      let collector = try site.writeCollector(CollectorSettings(more: "listne = \"x\""))
      for command in ["check", "run"] {
        let outcome = try await site.run("stt-collector", [command, "--config", collector])
        #expect(outcome.code == 2)
        let place = "collector.toml:\(line(of: "listne", in: collector)):1: collector.listne"
        #expect(outcome.said.contains(place), "\(outcome)")
        #expect(outcome.said.contains("listen?"), "\(outcome)")
      }
    }

    /// From 1.
    private func line(of text: String, in path: String) -> Int {
      let lines = Files.text(path).split(separator: "\n", omittingEmptySubsequences: false)
      return (lines.firstIndex { $0.hasPrefix(text) } ?? -1) + 1
    }

    @Test func aRightConfigurationIsCalledRight() async throws {
      let site = try await Site()
      let agent = try await site.run(
        "stt-agent", ["check", "--config", try site.writeAgent(AgentSettings(sources: Self.sources))])
      #expect(agent.code == 0 && agent.output.contains("is right") && agent.output.contains(Site.device), "\(agent)")
      let collector = try await site.run(
        "stt-collector", ["check", "--config", try site.writeCollector(CollectorSettings())])
      #expect(collector.code == 0 && collector.output.contains("is right"), "\(collector)")
    }

    @Test(arguments: ["stt-agent", "stt-collector"])
    func aMissingConfigurationIsNamed(program: String) async throws {
      let site = try await Site()
      for command in ["check", "run", "status"] {
        let outcome = try await site.run(program, [command, "--config", "\(site.path)/none.toml"])
        #expect(outcome.code == 2)
        #expect(outcome.said.contains("none.toml"), "\(outcome)")
      }
    }

    @Test func statusOfAProgramThatDoesNotRunIsExitCode1() async throws {
      let site = try await Site()
      let agent = try await site.run(
        "stt-agent", ["status", "--config", try site.writeAgent(AgentSettings(sources: Self.sources))])
      #expect(agent.code == 1)
      #expect(agent.said.contains("agent.sock"), "\(agent)")
    }

    @Test func statusOfRunningProgramsIsOneObject() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      let agent = try await site.startAgent(AgentSettings(sources: Self.sources))
      try await site.recorded("pattern", 10)
      let ofAgent = try await site.run("stt-agent", ["status", "--config", "\(site.path)/agent.toml"])
      #expect(ofAgent.code == 0)
      #expect(try decode(AgentStatus.self, ofAgent.output).connected, "\(ofAgent)")
      let ofCollector = try await site.run("stt-collector", ["status", "--config", "\(site.path)/collector.toml"])
      #expect(ofCollector.code == 0)
      #expect(try decode(CollectorStatus.self, ofCollector.output).sessions == 1, "\(ofCollector)")
      try await site.stop(agent: agent, collector: collector)
    }

    // MARK: - Pairs

    enum BadPair: String, CaseIterable {
      case missing, openToTheGroup, equalBytes, text, counting, short, cut

      func make(_ path: String, of site: Site) throws {
        var pair = try PairText(site.pairPath)
        switch self {
        case .missing: return
        case .openToTheGroup: return try Files.write(path, pair.text, mode: 0o640)
        case .cut: return try Files.write(path, String(pair.text.prefix(200)))
        case .equalBytes: pair.seed = Array(repeating: 0x5A, count: 32)
        case .text: pair.seed = Array("correct horse battery staple 123".utf8)
        case .counting: pair.seed = (0..<32).map { UInt8($0) }
        case .short: pair.seed.removeLast()
        }
        try Files.write(path, pair.text)
      }

      var sentence: String {
        switch self {
        case .missing: "No such file"
        case .openToTheGroup: "chmod 600"
        case .equalBytes: "all its bytes are equal"
        case .text: "printable text"
        case .counting: "equal steps"
        case .short: "seed"
        case .cut: "bad.pair"
        }
      }
    }

    @Test(arguments: BadPair.allCases)
    func aPairThatCannotBeUsedIsNamedByBothEnds(pair: BadPair) async throws {
      let site = try await Site()
      let path = "\(site.path)/bad.pair"
      try pair.make(path, of: site)
      let agent = try site.writeAgent(AgentSettings(pair: path, sources: Self.sources))
      let collector = try site.writeCollector(CollectorSettings(pair: path))
      for (program, file) in [("stt-agent", agent), ("stt-collector", collector)] {
        for command in ["check", "run"] {
          let outcome = try await site.run(program, [command, "--config", file])
          #expect(outcome.code == 2, "\(program) \(command): \(outcome)")
          #expect(outcome.said.contains(path), "\(outcome)")
          #expect(outcome.said.contains(pair.sentence), "\(outcome)")
        }
      }
      #expect(Files.find(below: site.path, suffix: ".mcap") == [])
    }

    // MARK: - What somebody else has

    @Test func aPortInUseIsNamed() async throws {
      let site = try await Site()
      let first = try await site.startCollector()
      let config = try site.writeCollector(
        CollectorSettings(root: "\(site.path)/other", state: "other-state", socket: "other.sock"), name: "other.toml")
      let second = try await site.run("stt-collector", ["--config", config])
      #expect(second.code == 2)
      #expect(second.said.contains("port \(site.port) is already in use"), "\(second)")
      #expect(first.exitCode == nil)
      #expect(try site.collectorStatus().sessions == 0)
    }

    @Test func aStateDirectoryInUseIsNamedWithTheProcessThatHasIt() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      let agent = try await site.startAgent(AgentSettings(sources: [Source.pattern(rate: 100, count: 50)]))

      let other = try site.writeAgent(AgentSettings(socket: "b.sock", sources: Self.sources), name: "other.toml")
      let secondAgent = try await site.run("stt-agent", ["--config", other])
      #expect(secondAgent.code == 2)
      #expect(secondAgent.said.contains("\(site.path)/agent-state"), "\(secondAgent)")
      #expect(secondAgent.said.contains("(\(agent.identifier))"), "\(secondAgent)")

      let config = try site.writeCollector(
        CollectorSettings(port: try UDPPort.free(), root: "\(site.path)/other", socket: "c.sock"), name: "third.toml")
      let secondCollector = try await site.run("stt-collector", ["--config", config])
      #expect(secondCollector.code == 2)
      #expect(secondCollector.said.contains("\(site.path)/collector-state"), "\(secondCollector)")
      #expect(secondCollector.said.contains("(\(collector.identifier))"), "\(secondCollector)")

      // Neither disturbed the first.
      try await site.recorded("pattern", 50)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
    }

    @Test func aStatusSocketInUseIsNamedAndStaysItsOwners() async throws {
      let site = try await Site()
      let first = try await site.startCollector()
      let config = try site.writeCollector(
        CollectorSettings(port: try UDPPort.free(), root: "\(site.path)/other", state: "other-state"), name: "other.toml")
      let second = try await site.run("stt-collector", ["--config", config])
      #expect(second.code == 2)
      #expect(second.said.contains(site.collectorSocket), "\(second)")
      #expect(first.exitCode == nil)
      #expect(try site.collectorStatus().sessions == 0)
    }

    // MARK: - What is not there

    /// Permissions bind no root, so these are directories that nobody can have.
    @Test func aRecordingsDirectoryThatCannotBeIsNamed() async throws {
      let site = try await Site()
      try Files.write("\(site.path)/file", "not a directory\n")
      for root in ["\(site.path)/file", "\(site.path)/file/below", "/proc/nope", "\(site.path)/a/b"] {
        let outcome = try await site.run(
          "stt-collector", ["--config", try site.writeCollector(CollectorSettings(root: root))])
        #expect(outcome.code == 2, "\(root): \(outcome)")
        #expect(outcome.said.contains(root), "\(outcome)")
      }
    }

    @Test func aStateDirectoryThatCannotBeIsNamed() async throws {
      let site = try await Site()
      try Files.write("\(site.path)/file", "not a directory\n")
      let agent = try await site.run(
        "stt-agent", ["--config", try site.writeAgent(AgentSettings(state: "file", sources: Self.sources))])
      #expect(agent.code == 2)
      #expect(agent.said.contains("\(site.path)/file"), "\(agent)")
      let collector = try await site.run(
        "stt-collector", ["--config", try site.writeCollector(CollectorSettings(state: "file"))])
      #expect(collector.code == 2)
      #expect(collector.said.contains("\(site.path)/file"), "\(collector)")
    }

    /// A device may be plugged in later: the service goes on and says what it waits for.
    @Test func aSourceWhoseFileIsMissingIsNamedWhileTheOthersStream() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      let agent = try await site.startAgent(
        AgentSettings(sources: [Source.pattern(count: 20), Source.lines("\(site.path)/nothing.txt")]))
      try await site.recorded("pattern", 20)
      try await eventually("the agent names the missing file") {
        agent.standardError.contains("\(site.path)/nothing.txt")
      }
      #expect(agent.exitCode == nil)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
    }

    @Test func readingWhatIsNoRecordingIsExitCode2() async throws {
      let site = try await Site()
      try Files.write("\(site.path)/junk.mcap", (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
      mkdir("\(site.path)/empty", 0o700)
      for command in ["inspect", "ls", "verify", "replay", "export"] {
        for path in ["\(site.path)/nowhere", "\(site.path)/empty"] {
          let outcome = try await site.stt([command, path])
          #expect(outcome.code == 2, "\(command) \(path): \(outcome)")
          #expect(outcome.said.contains(path), "\(outcome)")
        }
      }
      let junk = try await site.stt(["verify", "\(site.path)/junk.mcap", "--format", "json"])
      #expect(junk.code == 4, "\(junk)")
      #expect(try decode(Verification.self, junk.output).verdict == "altered")
    }
  }
}
