import Testing

extension EndToEnd {
  @Suite(.serialized) struct HostileDatagrams {
    /// Junk, fragments, forgeries and replays, from a stranger's address and from the device's own,
    /// while the device streams.
    @Test func nothingSentBesidesTheSessionDisturbsIt() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      let relay = try Relay(to: site.port)
      let stranger = try UDPPort()
      let agent = try await site.startAgent(
        AgentSettings(
          port: relay.port,
          sources: [Source.pattern(rate: 400, count: 1600), Source.pattern("large", rate: 5, count: 20, size: 50_000)]))
      try await site.recorded("pattern", 200)
      let counters = try Files.read("\(site.path)/collector-state/accepted-counters")
      let genuine = relay.sent
      let handshake = genuine.filter { $0.count > 1 && (1...4).contains($0[1]) }
      #expect(Set(handshake.map { $0[1] }) == [1, 3], "HELLO and AUTH_PROOF were seen")

      var hostile = junk(count: 500)
      // Twice each, as they were: HELLO and AUTH_PROOF first of all.
      for datagram in handshake + genuine.suffix(100) { hostile += [datagram, datagram] }
      // Back at the collector what the collector said.
      hostile += relay.answered.prefix(100)
      for datagram in handshake + genuine.suffix(20) {
        hostile += stride(from: 0, to: datagram.count, by: 1 + datagram.count / 40).map { Array(datagram[..<$0]) }
        hostile += stride(from: 0, to: datagram.count, by: 1 + datagram.count / 40).map { place in
          var changed = datagram
          changed[place] ^= 0x40
          return changed
        }
        hostile.append(datagram + [0])
      }
      let before = try site.collectorStatus()
      for (index, datagram) in hostile.enumerated() {
        stranger.send(datagram, to: site.port)
        relay.inject(datagram)
        // Never more than a socket buffer holds, or the flood itself would be the test.
        if index.isMultiple(of: 50) { try await answered(site) }
      }
      try await answered(site)
      let after = try site.collectorStatus()
      #expect(after.strayDatagrams > before.strayDatagrams)
      #expect(after.handshakesRejected > before.handshakesRejected)
      #expect(after.sessions == 1)
      #expect(try Files.read("\(site.path)/collector-state/accepted-counters") == counters)
      while let answer = stranger.receive() {
        #expect(isRetry(answer.bytes), "a stranger got more than RETRY")
      }

      try await site.recorded("pattern", 1600)
      try await site.recorded("large", 20)
      #expect(try site.collectorStatus().sessions == 1)
      try await site.stop(agent: agent, collector: collector)
      #expect(agent.standardError.split(separator: "\n").count { $0.contains("connected: ") } == 1)
      try await site.expectRecordingAgrees()
    }

    /// Junk where RESPONSE is expected, from the collector's own address, ends no attempt.
    @Test func anAgentThatHearsJunkStillConnects() async throws {
      let site = try await Site()
      var place: UDPPort? = try UDPPort(site.port)
      let agent = try await site.startAgent(AgentSettings(sources: [Source.pattern(count: 50)]))
      var hello: (bytes: [UInt8], port: UInt16)?
      try await eventually("the agent says HELLO") {
        hello = place?.receive()
        return hello != nil
      }
      let (bytes, port) = try #require(hello)
      #expect(bytes[1] == 1)
      // What it said comes back to it too.
      for datagram in junk(count: 300) + [bytes, bytes] { place?.send(datagram, to: port) }
      #expect(try site.agentStatus().connected == false)
      place = nil

      let collector = try await site.startCollector()
      try await site.recorded("pattern", 50)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
    }

    /// The status socket is answered by the thread that reads datagrams, after what lay there before.
    private func answered(_ site: Site) async throws {
      try await eventually("the collector answers") { (try? site.collectorStatus()) != nil }
    }

    private func isRetry(_ datagram: [UInt8]) -> Bool {
      datagram.count < 128 && datagram[1] == 2 && datagram[2] == 0 && datagram[3] == 2
    }

    /// Random bytes of random lengths, half of them after the version and a frame's type.
    private func junk(count: Int) -> [[UInt8]] {
      var random = SystemRandomNumberGenerator()
      let types: [UInt8] = [1, 2, 3, 4, 0x10, 0x11, 0x15, 0x20, 0x30, 0xFF]
      return (0..<count).map { index in
        var bytes = (0..<Int.random(in: 0...1400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        if index.isMultiple(of: 2), bytes.count > 1 {
          bytes[0] = 1
          bytes[1] = types[index / 2 % types.count]
        }
        return bytes
      }
    }
  }
}
