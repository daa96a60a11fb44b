import Glibc
import Testing

extension EndToEnd {
  @Suite struct Crashes {
    /// The slowest: the agent believes in its session for thirty seconds.
    @Test func aCollectorKilledWhileRecordingLosesAndDoublesNothing() async throws {
      let site = try await Site()
      let first = try await site.startCollector()
      let agent = try await site.startAgent(
        AgentSettings(sources: [
          Source.pattern(rate: 200, count: 2000, size: 500),
          Source.pattern("large", rate: 4, count: 40, size: 60_000), Source.system,
        ]))
      try await site.recorded("pattern", 500)
      let promised = try #require(try site.agentStatus().stream("pattern")?.durable)
      first.signal(SIGKILL)
      #expect(try await first.ended() == 128 + SIGKILL)

      // What was acknowledged as recorded is in the file already, whatever its end looks like.
      let torn = try await site.inspect()
      #expect(torn.counts["pattern", default: 0] >= promised)
      #expect(torn.verdict == "truncated")

      let second = try await site.startCollector()
      #expect(second.standardError.contains("recovered \(site.recordings)/\(Site.device)/main/"), "\(second.standardError)")
      #expect(try await site.inspect().verdict == "intact")
      try await site.recorded("pattern", 2000)
      try await site.recorded("large", 40)
      try await site.stop(agent: agent, collector: second)
      let connections = agent.standardError.split(separator: "\n").count { $0.contains("connected: ") }
      #expect(connections == 2, "\(agent.standardError)")

      try await site.expectRecordingAgrees()
      let inspection = try await site.inspect()
      #expect(inspection.counts["pattern"] == 2000)
      #expect(inspection.counts["large"] == 40)
      #expect(inspection.files.count > 1)
    }

    /// Rounds of kill -9 in all; `make kill-rounds` has two hundred. The agent believes in its session for thirty
    /// seconds each time, so ten sites go side by side.
    private static let rounds = getenv("ROUNDS").flatMap { Int(String(cString: $0)) } ?? 2

    @Test("killed again and again while an agent streams, plain or sealed, a collector loses and doubles nothing")
    func rounds() async throws {
      let sites = min(10, Self.rounds)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for place in 0..<sites {
          let count = Self.rounds / sites + (place < Self.rounds % sites ? 1 : 0)
          group.addTask { try await killed(count, seal: place.isMultiple(of: 2) ? "sealed" : "none") }
        }
        try await group.waitForAll()
      }
    }

    private func killed(_ rounds: Int, seal: String) async throws {
      let site = try await Site()
      let settings = CollectorSettings(seal: seal)
      var collector = try await site.startCollector(settings)
      let agent = try await site.startAgent(
        AgentSettings(sources: [Source.pattern(rate: 100, count: 0, size: 300), Source.system]), seconds: 7200)
      for round in 0..<rounds {
        let before = try site.agentStatus().stream("pattern")?.durable ?? 0
        try await eventually("round \(round): more is durable", within: .seconds(120)) {
          try (site.agentStatus().stream("pattern")?.durable ?? 0) > before + UInt64(20 + round % 7)
        }
        collector.signal(SIGKILL)
        _ = try await collector.ended()
        collector = try await site.startCollector(settings)
      }
      let before = try site.agentStatus().stream("pattern")?.durable ?? 0
      try await eventually("the last session works", within: .seconds(120)) {
        try (site.agentStatus().stream("pattern")?.durable ?? 0) > before
      }
      try await site.stop(agent: agent, collector: collector)
      let sealed = ["--anchor", "\(site.path)/agent-state", "--keys", "\(site.path)/collector-state/keys"]
      let verified = try await site.stt(
        ["verify", site.recordings, "--account", site.accountPath] + (seal == "none" ? [] : sealed))
      #expect(verified.code == 0, "\(verified)\n\(site.everythingSaid)")
    }

    @Test func aCollectorStoppedAndStartedAgainGoesOnWhereItWas() async throws {
      let site = try await Site()
      let first = try await site.startCollector()
      let agent = try await site.startAgent(AgentSettings(sources: [Source.pattern(rate: 200, count: 1200)]))
      try await site.recorded("pattern", 200)
      first.signal(SIGTERM)
      #expect(try await first.ended() == 0, "\(first.standardError)")
      #expect(try await site.inspect().verdict == "intact")
      try await eventually("the agent notices") { try !site.agentStatus().connected }

      let second = try await site.startCollector()
      #expect(!second.standardError.contains("recovered"), "\(second.standardError)")
      try await site.recorded("pattern", 1200)
      try await site.stop(agent: agent, collector: second)
      try await site.expectRecordingAgrees()
    }

    @Test func anAgentKilledAndStartedAgainBeginsANewIncarnation() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      let settings = AgentSettings(sources: [Source.pattern(rate: 200, count: 300), Source.system])
      let first = try await site.startAgent(settings)
      try await site.recorded("pattern", 100)
      let promised = try #require(try site.agentStatus().stream("pattern")?.durable)
      first.signal(SIGKILL)
      #expect(try await first.ended() == 128 + SIGKILL)

      let second = try await site.startAgent(settings)
      try await site.recorded("pattern", 300)
      try await eventually("the new session has replaced the old one") { try site.collectorStatus().sessions == 1 }
      try await site.stop(agent: second, collector: collector)

      let verified = try await site.stt(["verify", site.recordings, "--format", "json"])
      #expect(verified.code == 0, "\(verified)")
      #expect(try decode(Verification.self, verified.output).verdict == "intact")
      let patterns = try await site.inspect().files.flatMap(\.streams).filter { $0.name == "pattern" }
      try #require(patterns.count == 2, "one for each incarnation")
      #expect(patterns[0].messages >= promised)
      #expect(patterns[0].messages <= 300)
      #expect(patterns[1].messages == 300)
      #expect(patterns.allSatisfy { $0.missing == 0 })
      #expect(try incarnations(site) == ["1", "2"])
    }

    /// Every value of the metadata `stt.incarnation` in the recordings. MCAP writes texts as they are,
    /// a u32 of their length before each.
    private func incarnations(_ site: Site) throws -> Set<String> {
      let key = Array("stt.incarnation".utf8)
      var found: Set<String> = []
      for path in Files.find(below: site.recordings, suffix: ".mcap") {
        var rest = try Files.read(path)[...]
        while let place = rest.firstRange(of: key) {
          rest = rest[place.upperBound...]
          guard let length = rest.first, rest.count > 4 + Int(length) else { break }
          found.insert(String(decoding: rest.dropFirst(4).prefix(Int(length)), as: UTF8.self))
        }
      }
      return found
    }
  }
}
