import Glibc
import Synchronization
import Testing

extension EndToEnd {
  @Suite(.serialized) struct Streaming {
    @Test(arguments: ["hybrid", "seed"], ["aes-256-gcm", "chacha20-poly1305"])
    func whatTheAgentSentIsWhatTheRecordingHolds(mode: String, cipher: String) async throws {
      let site = try await Site()
      let lines = (0..<300).map { "line \($0) \(String(repeating: "x", count: $0 % 90))\n" }.joined()
      try Files.write("\(site.path)/lines.txt", lines)
      try Files.write("\(site.path)/pictures.mjpeg", (0..<10).flatMap { outlineOfPicture($0) })
      let collector = try await site.startCollector(CollectorSettings(allowsSeedMode: mode == "seed"))
      let agent = try await site.startAgent(
        AgentSettings(
          mode: mode, cipher: cipher,
          sources: [
            Source.pattern(count: 500), Source.pattern("large", rate: 5, count: 4, size: 300_000), Source.system,
            Source.lines("\(site.path)/lines.txt"), Source.pictures("\(site.path)/pictures.mjpeg"),
          ]))
      for (stream, count) in [("pattern", 500), ("large", 4), ("lines", 300), ("camera", 10)] as [(String, UInt64)] {
        try await site.recorded(stream, count)
      }
      let status = try site.collectorStatus()
      #expect(status.sessions == 1)
      #expect(status.devices.first?.connected == true)
      #expect(status.trouble == nil)
      try await site.stop(agent: agent, collector: collector)

      try await site.expectRecordingAgrees()
      let inspection = try await site.inspect()
      #expect(inspection.counts["pattern"] == 500)
      #expect(inspection.counts["large"] == 4)
      #expect(inspection.counts["lines"] == 300)
      #expect(inspection.counts["camera"] == 10)
      #expect(inspection.counts["system/load", default: 0] > 0)
      #expect(inspection.files.flatMap(\.streams).allSatisfy { $0.missing == 0 })
      let connected = agent.standardError.split(separator: "\n").filter { $0.contains("connected: ") }
      #expect(connected.count == 1, "\(agent.standardError)")
      #expect(connected.first?.contains(mode) == true)
      #expect(connected.first?.contains(cipher == "aes-256-gcm" ? "aes256GCM" : "chaCha20Poly1305") == true)
    }

    @Test func whatIsLostOnTheWayComesFromParity() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      // The first of every four DATA frames that hold data.
      let count = Mutex(0)
      let relay = try Relay(to: site.port) { datagram in
        guard datagram.count > 24, datagram[1] == 0x10, datagram[3] & 1 == 0 else { return false }
        return count.withLock { count in
          count += 1
          return count % 4 == 1
        }
      }
      let code = "fec = \"rs\"\nfec_data = 4\nfec_parity = 2\n"
      let agent = try await site.startAgent(
        AgentSettings(port: relay.port, sources: [Source.pattern(rate: 100, count: 300) + code]))
      try await site.recorded("pattern", 300)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
      #expect(collector.standardError.contains("came from parity"), "\(collector.standardError)")
    }

    @Test func aNATThatForgetsTheDeviceCostsNoSession() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      let relay = try Relay(to: site.port)
      let agent = try await site.startAgent(
        AgentSettings(port: relay.port, sources: [Source.pattern(rate: 50, count: 300)]))
      for round in 1...4 as ClosedRange<UInt64> {
        try await site.recorded("pattern", round * 50)
        try relay.rebind()
      }
      try await site.recorded("pattern", 300)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
      #expect(agent.standardError.split(separator: "\n").count { $0.contains("connected: ") } == 1)
      #expect(collector.standardError.contains("goes on from another address"))
    }

    @Test func aChangedByteOfTheRecordingOrTheAccountIsFound() async throws {
      let site = try await Site.recorded(pattern: 200)
      let file = try #require(Files.find(below: site.recordings, suffix: ".mcap").first)
      let whole = try Files.read(file)

      var changed = whole
      changed[whole.count / 3] ^= 1
      try Files.write(file, changed)
      let altered = try await site.stt(["verify", site.recordings, "--format", "json"])
      #expect(altered.code == 4, "\(altered)")
      #expect(try decode(Verification.self, altered.output).verdict == "altered")

      try Files.write(file, Array(whole.dropLast(whole.count / 2)))
      let cut = try await site.stt(["verify", site.recordings, "--format", "json"])
      #expect(cut.code == 3, "\(cut)")
      #expect(try decode(Verification.self, cut.output).verdict == "truncated")

      try Files.write(file, whole)
      let account = Files.text(site.accountPath)
      #expect(account.contains("\"messages\":200,"))
      try Files.write(site.accountPath, account.replacing("\"messages\":200,", with: "\"messages\":201,"))
      let short = try await site.stt(["verify", site.recordings, "--account", site.accountPath, "--format", "json"])
      #expect(short.code == 5, "\(short)")
      #expect(try decode(Verification.self, short.output).accountAgrees == false)
    }
  }
}

extension Site {
  /// A site where a short recording was made and everything has ended.
  static func recorded(
    pattern count: UInt64, rate: Int = 1000, size: Int = 200,
    pictures: [[UInt8]] = (0..<5).map { outlineOfPicture($0) }
  ) async throws -> Site {
    let site = try await Site()
    try Files.write("\(site.path)/pictures.mjpeg", pictures.flatMap(\.self))
    let collector = try await site.startCollector()
    let agent = try await site.startAgent(
      AgentSettings(
        sources: [
          Source.pattern(rate: rate, count: count, size: size), Source.system,
          Source.pictures("\(site.path)/pictures.mjpeg"),
        ]))
    try await site.recorded("pattern", count)
    try await site.recorded("camera", UInt64(pictures.count))
    try await site.recorded("system/load", 2)
    try await site.stop(agent: agent, collector: collector)
    return site
  }

  /// A site where the collector was killed in the middle of a recording and started again.
  static func recordedThroughKill(pattern count: UInt64, _ settings: CollectorSettings) async throws -> Site {
    let site = try await Site()
    let first = try await site.startCollector(settings)
    let agent = try await site.startAgent(AgentSettings(sources: [Source.pattern(rate: 100, count: count), Source.system]))
    try await site.recorded("pattern", 50)
    first.signal(SIGKILL)
    _ = try await first.ended()
    // Nothing becomes durable until the agent has found the second one. On a busy machine the first took all of the
    // pattern before it was killed.
    let before = try site.agentStatus().stream("system/load")?.durable ?? 0
    let second = try await site.startCollector(settings)
    try await site.recorded("system/load", before + 1)
    try await site.recorded("pattern", count)
    try await site.stop(agent: agent, collector: second)
    return site
  }
}
