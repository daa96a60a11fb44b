import Testing

extension EndToEnd {
  /// Each waits for an attempt to fail, which takes the handshake's ten seconds: they run beside one
  /// another.
  @Suite struct RefusedPeers {
    enum Difference: String, CaseIterable {
      case seed, deviceID, collectorID, epoch

      func apply(to pair: inout PairText) {
        switch self {
        case .seed: pair.seed[7] ^= 1
        case .deviceID: pair.deviceID[0] ^= 1
        case .collectorID: pair.collectorID[31] ^= 1
        case .epoch: pair.epoch += 1
        }
      }
    }

    @Test(arguments: Difference.allCases)
    func aPairThatDiffersInOnePlaceGetsNoSessionAndLeavesNoState(difference: Difference) async throws {
      let site = try await Site()
      var wrong = try PairText(site.pairPath)
      let copy = wrong
      difference.apply(to: &wrong)
      try Files.write("\(site.path)/wrong.pair", wrong.text)
      // What the tests write is a pair file at all: unchanged it is accepted.
      try Files.write("\(site.path)/copy.pair", copy.text)
      let fingerprint = try await site.stt(["seed", "verify", "\(site.path)/copy.pair"])
      #expect(fingerprint.code == 0, "\(fingerprint)")

      let collector = try await site.startCollector()
      let relay = try Relay(to: site.port)
      let before = try Files.read("\(site.path)/collector-state/accepted-counters")
      let agent = try await site.startAgent(
        AgentSettings(port: relay.port, pair: "\(site.path)/wrong.pair", sources: [Source.pattern(count: 10)]))
      try await expectNoSession(site, agent, collector)

      let status = try site.collectorStatus()
      #expect(status.handshakesRejected + status.strayDatagrams > 0)
      #expect(!relay.sent.isEmpty)
      #expect(relay.answered.allSatisfy(isRetry), "the collector answered a stranger with more than RETRY")
      #expect(relay.answered.count < relay.sent.count)
      #expect(try Files.read("\(site.path)/collector-state/accepted-counters") == before)
    }

    @Test func seedModeIsRefusedWhereItIsNotAllowed() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      let agent = try await site.startAgent(AgentSettings(mode: "seed", sources: [Source.pattern(count: 10)]))
      try await expectNoSession(site, agent, collector)
      #expect(try site.collectorStatus().handshakesRejected > 0)
    }

    /// RETRY, which costs the collector nothing and says nothing: RESPONSE (2) with flag bit 9,
    /// shorter than any HELLO.
    private func isRetry(_ datagram: [UInt8]) -> Bool {
      datagram.count < 128 && datagram[1] == 2 && datagram[2] == 0 && datagram[3] == 2
    }

    /// Waits until the agent gave its first attempt up, and expects nothing to have come of it.
    private func expectNoSession(_ site: Site, _ agent: Program, _ collector: Program) async throws {
      try await eventually("the agent's first attempt fails, or the collector refuses it\n\(agent.standardError)") {
        let said = agent.standardError
        return said.contains("attempt 1") || said.contains("refuses us")
      }
      #expect(try site.agentStatus().connected == false)
      #expect(!agent.standardError.contains("connected: "), "\(agent.standardError)")
      #expect(agent.exitCode == nil, "a service goes on trying")
      let status = try site.collectorStatus()
      #expect(status.sessions == 0)
      #expect(status.messagesRecorded == 0)
      #expect(status.devices.map(\.connected) == [false])
      #expect(Files.find(below: site.recordings, suffix: ".mcap") == [])
      #expect(collector.exitCode == nil)
    }
  }
}
