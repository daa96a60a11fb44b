import Glibc
import Testing

extension EndToEnd {
  /// A new seed, by hand and over the wire, with the real programs and their files.
  @Suite(.serialized) struct SeedRotation {
    /// Each end has a file of its own.
    private func parted(_ site: Site) throws -> (agent: String, collector: String) {
      let (agent, collector) = ("\(site.path)/agent.pair", "\(site.path)/collector.pair")
      for path in [agent, collector] { try copy(site.pairPath, path) }
      return (agent, collector)
    }

    private func copy(_ from: String, _ to: String) throws {
      unlink(to)
      try Files.write(to, Files.text(from))
      try #require(chmod(to, 0o600) == 0)
    }

    private func states(_ site: Site, _ path: String) async throws -> [String] {
      let told = try await site.stt(["seed", "epochs", path])
      try #require(told.code == 0, "\(told)")
      return told.output.split(separator: "\n").dropFirst().map {
        $0.split(separator: " ").prefix(2).joined(separator: " ")
      }
    }

    private func identity(_ site: Site) async throws -> String {
      let path = "\(site.path)/own.identity"
      let made = try await site.stt(["identity", "new", "--out", path, "--algorithms", "ed25519"])
      try #require(made.code == 0, "\(made)")
      return path
    }

    @Test func overTheWireWhileStreamingNothingIsLostOrDoubled() async throws {
      let site = try await Site()
      let (agentPair, collectorPair) = try parted(site)
      let old = Files.text(agentPair)
      let own = try await identity(site)
      let collector = try await site.startCollector(CollectorSettings(identity: "required", pair: collectorPair))
      let settings = AgentSettings(pair: agentPair, identity: own, sources: [Source.pattern(rate: 400, count: 2000)])
      let agent = try await site.startAgent(settings)
      try await site.recorded("pattern", 200)

      let rotated = try await site.run(
        "stt-collector", ["rotate", Site.device, "--config", "\(site.path)/collector.toml"])
      #expect(rotated.code == 0, "\(rotated)")
      #expect(rotated.output.contains("epoch 2 waits in file:\(collectorPair)"), "\(rotated)")
      try await eventually("both ends are at epoch 2") {
        Files.text(agentPair).contains("number = 2\nstate = \"current\"")
          && Files.text(collectorPair).contains("number = 2\nstate = \"current\"")
      }
      try await site.recorded("pattern", 2000)
      #expect(try await states(site, agentPair) == ["2 current", "1 previous"])
      #expect(try await states(site, collectorPair) == ["2 current", "1 previous"])
      let again = try await site.run(
        "stt-collector", ["rotate", "nobody", "--config", "\(site.path)/collector.toml"])
      #expect(again.code == 2 && again.output.contains("there are: \(Site.device)"), "\(again)")
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
      #expect(agent.standardError.contains("seed epoch 2 is proven"), "\(agent.standardError)")
      #expect(agent.standardError.split(separator: "\n").count { $0.contains("connected: ") } == 2)

      // The next session is of the new epoch.
      let next = try await site.startCollector(CollectorSettings(identity: "required", pair: collectorPair))
      let second = try await site.startAgent(settings)
      try await site.recorded("pattern", 100)
      #expect(try site.agentStatus().seedEpoch == 2)
      second.signal(SIGTERM)
      #expect(try await second.ended() == 0)

      // After the overlap the old file, out of a backup, is worth nothing.
      next.signal(SIGTERM)
      #expect(try await next.ended() == 0)
      try Files.write("\(site.path)/old.pair", old)
      try #require(chmod("\(site.path)/old.pair", 0o600) == 0)
      try endOverlap(collectorPair)
      let later = try await site.startCollector(CollectorSettings(identity: "required", pair: collectorPair))
      try await eventually("the overlap is over") {
        try await states(site, collectorPair) == ["2 current", "1 archive-only"]
      }
      let stale = try await site.startAgent(
        AgentSettings(
          pair: "\(site.path)/old.pair", state: "stale-state", identity: own, sources: [Source.pattern(rate: 10, count: 10)])
      )
      try await eventually("the old seed is refused") { stale.standardError.contains("attempt 1") }
      #expect(!stale.standardError.contains("connected: "))
      #expect(try site.collectorStatus().sessions == 0)
      stale.signal(SIGKILL)
      _ = try await stale.ended()
      later.signal(SIGTERM)
      #expect(try await later.ended() == 0)
    }

    /// Leaves a second of it: two weeks are long for a test.
    private func endOverlap(_ path: String) throws {
      var text = try PairText2(path)
      text.setOverlap(ofEpoch: 1, to: 1)
      try Files.write(path, text.text)
      try #require(chmod(path, 0o600) == 0)
    }

    @Test(arguments: ["collector", "agent"])
    func killedWhileTheSeedChangesThePairConnectsAgain(victim: String) async throws {
      let site = try await Site()
      let (agentPair, collectorPair) = try parted(site)
      let own = try await identity(site)
      var collector = try await site.startCollector(CollectorSettings(identity: "required", pair: collectorPair))
      let settings = AgentSettings(pair: agentPair, identity: own, sources: [Source.pattern(rate: 200, count: 3000)])
      var agent = try await site.startAgent(settings)
      try await site.recorded("pattern", 50)
      for round in 2...4 as ClosedRange<Int> {
        let rotated = try await site.run(
          "stt-collector", ["rotate", Site.device, "--config", "\(site.path)/collector.toml"])
        #expect(rotated.code == 0, "\(rotated)")
        // At whatever step it is then.
        if victim == "agent" {
          agent.signal(SIGKILL)
          _ = try await agent.ended()
          agent = try await site.startAgent(settings)
        } else {
          collector.signal(SIGKILL)
          _ = try await collector.ended()
          collector = try await site.startCollector(CollectorSettings(identity: "required", pair: collectorPair))
        }
        try await eventually("epoch \(round) is current at both ends\n\(site.everythingSaid)", within: .seconds(180)) {
          let (device, server) = (try await states(site, agentPair), try await states(site, collectorPair))
          return device.first == "\(round) current" && server.first == "\(round) current"
        }
      }
      agent.signal(SIGKILL)
      _ = try await agent.ended()
      collector.signal(SIGTERM)
      #expect(try await collector.ended() == 0)
    }

    @Test(arguments: [true, false])
    func byHandInEitherOrderWithoutARestart(agentFirst: Bool) async throws {
      let site = try await Site()
      let (agentPair, collectorPair) = try parted(site)
      let collector = try await site.startCollector(CollectorSettings(pair: collectorPair))
      let agent = try await site.startAgent(
        AgentSettings(pair: agentPair, sources: [Source.pattern(rate: 100, count: 100_000)]))
      try await site.recorded("pattern", 20)
      let rotated = try await site.stt(["seed", "rotate", site.pairPath])
      #expect(rotated.code == 0 && rotated.output.contains("2      next"), "\(rotated)")
      let twice = try await site.stt(["seed", "rotate", site.pairPath])
      #expect(twice.code == 65 && twice.error.contains("epoch 2 waits already"), "\(twice)")
      for isAgent in [agentFirst, !agentFirst] {
        try copy(site.pairPath, isAgent ? agentPair : collectorPair)
        let program = isAgent ? agent : collector
        program.signal(SIGHUP)
        try await eventually("\(program.name) reads its file") {
          program.standardError.contains("epoch 2 next, epoch 1 current")
        }
      }
      agent.signal(SIGKILL)
      _ = try await agent.ended()
      let second = try await site.startAgent(
        AgentSettings(pair: agentPair, sources: [Source.pattern(rate: 100, count: 100)]))
      try await eventually("the new seed is current at both ends") {
        let (device, server) = (try await states(site, agentPair), try await states(site, collectorPair))
        return device == ["2 current", "1 previous"] && server == device
      }
      try await site.recorded("pattern", 100)
      try await site.stop(agent: second, collector: collector)
    }

    @Test func atOnceTheOldSeedEndsItsSessionAndIsRefusedUntilTheNewFileIsThere() async throws {
      let site = try await Site()
      let (agentPair, collectorPair) = try parted(site)
      let collector = try await site.startCollector(CollectorSettings(pair: collectorPair))
      let agent = try await site.startAgent(
        AgentSettings(pair: agentPair, sources: [Source.pattern(rate: 100, count: 2000)]))
      try await site.recorded("pattern", 20)
      let rotated = try await site.stt(["seed", "rotate", "--now", collectorPair])
      #expect(rotated.code == 0 && rotated.output.contains("by hand"), "\(rotated)")
      #expect(try await states(site, collectorPair) == ["2 current", "1 archive-only"])
      collector.signal(SIGHUP)
      try await eventually("the session ends") { try site.agentStatus().connected == false }
      try await eventually("the old seed is refused") { agent.standardError.contains("attempt") }
      try await eventually("the session is gone") { try site.collectorStatus().sessions == 0 }
      try copy(collectorPair, agentPair)
      agent.signal(SIGHUP)
      try await site.recorded("pattern", 2000)
      #expect(try site.agentStatus().seedEpoch == 2)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
    }

    @Test func anAgentThatCannotWriteItsPairSaysSoAndGoesOn() async throws {
      let site = try await Site()
      let (agentPair, collectorPair) = try parted(site)
      let own = try await identity(site)
      let collector = try await site.startCollector(CollectorSettings(identity: "required", pair: collectorPair))
      // As systemd's LoadCredential hands it over.
      let configuration = try site.writeAgent(
        AgentSettings(
          pairReference: "credential:agent.pair", identity: own, sources: [Source.pattern(rate: 100, count: 300)]))
      let programs = try #require(Programs.directory)
      let agent = try Program(
        "/usr/bin/env",
        [
          "CREDENTIALS_DIRECTORY=\(site.path)", "\(programs)/stt-agent", "--config", configuration, "--account",
          site.accountPath, "--for", "300", "--log-level", "info",
        ], log: site.log("agent"))
      try await eventually("the agent answers") { (try? site.agentStatus()) != nil }
      try await site.recorded("pattern", 20)
      let before = Files.text(agentPair)
      let rotated = try await site.run(
        "stt-collector", ["rotate", Site.device, "--config", "\(site.path)/collector.toml"])
      #expect(rotated.code == 0, "\(rotated)")
      try await eventually("the collector is told") {
        collector.standardError.contains("does not take seed epoch 2: its pair is kept where its agent can't write")
      }
      #expect(agent.standardError.contains("credential:agent.pair: cannot be changed from here"), "\(agent.standardError)")
      #expect(Files.text(agentPair) == before)
      try await site.recorded("pattern", 300)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
    }

    @Test func aSeedThatIsTooOldIsChangedByItself() async throws {
      let site = try await Site()
      let (agentPair, collectorPair) = try parted(site)
      let own = try await identity(site)
      // Epoch 2 is current since 2001.
      for command in [["seed", "rotate", "--now", collectorPair]] {
        let made = try await site.stt(command)
        try #require(made.code == 0, "\(made)")
      }
      var text = try PairText2(collectorPair)
      text.setMade(ofEpoch: 2, to: 1_000_000_000)
      try Files.write(collectorPair, text.text)
      try #require(chmod(collectorPair, 0o600) == 0)
      try copy(collectorPair, agentPair)
      let collector = try await site.startCollector(
        CollectorSettings(identity: "required", pair: collectorPair, device: "rotate_days = 30"))
      let agent = try await site.startAgent(
        AgentSettings(pair: agentPair, identity: own, sources: [Source.pattern(rate: 100, count: 300)]))
      try await eventually("epoch 3 is current at both ends\n\(site.everythingSaid)") {
        let (device, server) = (try await states(site, agentPair), try await states(site, collectorPair))
        return device.first == "3 current" && server.first == "3 current"
      }
      try await site.recorded("pattern", 300)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
    }
  }
}
