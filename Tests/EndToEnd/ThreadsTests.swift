import Glibc
import LinuxEvents
import Testing

extension EndToEnd {
  /// Several receive threads: each device's sessions on one of them, wherever its datagrams arrive.
  @Suite(.serialized) struct Threads {
    /// One of several devices of a site, with an agent of its own.
    private struct Device {
      let site: Site
      let name: String
      var pair: String { "\(site.path)/\(name).pair" }
      var socket: String { "\(site.path)/\(name).sock" }
      var account: String { "\(site.path)/\(name).ndjson" }

      func make() async throws {
        let made = try await site.stt(["seed", "new", name, "--out", pair])
        try #require(made.code == 0, "\(made)")
      }

      func start(port: UInt16? = nil, transport: String = "", count: UInt64) async throws -> Program {
        let settings = AgentSettings(
          port: port, pair: pair, state: "\(name)-state", socket: "\(name).sock", transport: transport,
          sources: [Source.pattern(rate: 100, count: count)])
        let program = try Program(
          "stt-agent",
          [
            "--config", try site.writeAgent(settings, name: "\(name).toml"), "--account", account, "--for", "300",
            "--log-level", "info",
          ], log: site.log(name))
        try await eventually("\(name) answers") {
          if let code = program.exitCode {
            throw NeverHappened(description: "it ended with \(code): \(program.standardError)")
          }
          return (try? StatusSocket.ask(socket)) != nil
        }
        return program
      }

      func recorded(_ count: UInt64) async throws {
        try await eventually("\(count) messages of \(name) are durable", within: .seconds(120)) {
          let status = try decode(AgentStatus.self, try StatusSocket.ask(socket))
          return status.stream("pattern").map { $0.durable >= count } ?? false
        }
      }

      func expectRecordingAgrees() async throws {
        let outcome = try await site.stt(
          ["verify", "\(site.recordings)/\(name)", "--account", account, "--format", "json"])
        let report = try decode(Verification.self, outcome.output)
        #expect(report.verdict == "intact" && report.accountAgrees == true, "\(outcome)\n\(site.everythingSaid)")
      }
    }

    private func settings(_ devices: [Device], more: String = "") -> CollectorSettings {
      let tables = devices.map { "[[device]]\npair = \"file:\($0.pair)\"\nidentity = \"off\"\n" }.joined()
      return CollectorSettings(device: tables, recording: "\n[limits]\nreceive_threads = 3\n\(more)")
    }

    @Test func everyDeviceIsRecordedWhateverItsThread() async throws {
      let site = try await Site()
      let devices = (1...4).map { Device(site: site, name: "many-\($0)") }
      for device in devices { try await device.make() }
      let collector = try await site.startCollector(settings(devices))
      #expect(try site.collectorStatus().receiveThreads == 3)
      var agents: [Program] = []
      for device in devices { agents.append(try await device.start(count: 200)) }
      // A device that dies comes back with another port, and goes on where it was.
      try await devices[0].recorded(50)
      agents[0].signal(SIGKILL)
      _ = try await agents[0].ended()
      agents[0] = try await devices[0].start(count: 150)
      try await devices[0].recorded(150)
      for device in devices.dropFirst() { try await device.recorded(200) }
      let status = try site.collectorStatus()
      #expect(status.sessions == 4 && status.trouble == nil)
      // The kernel finds every session's thread.
      #expect(status.datagramsPassedOn == 0)
      #expect(status.devices.filter(\.connected).map(\.name).sorted() == devices.map(\.name))
      #expect(status.devices.dropFirst(2).allSatisfy { $0.messages >= 200 }, "\(status)")
      for agent in agents {
        agent.signal(SIGTERM)
        #expect(try await agent.ended() == 0, "\(agent.standardError)")
      }
      collector.signal(SIGTERM)
      #expect(try await collector.ended() == 0, "\(collector.standardError)")
      #expect(collector.standardError.contains("on 3 threads"))
      for device in devices.dropFirst() { try await device.expectRecordingAgrees() }
      let verified = try await site.stt(["verify", site.recordings])
      #expect(verified.code == 0, "\(verified)")
    }

    /// The first thread has the WebSocket, and this device's sessions are the third's: what comes by WebSocket
    /// is passed on. Back on UDP they have a name that nobody chose, which may lead to the right thread.
    @Test func aDeviceThatMovesIsFollowedToItsThread() async throws {
      let site = try await Site()
      let devices = (1...2).map { Device(site: site, name: "moving-\($0)") }
      for device in devices { try await device.make() }
      let port = try TCPConnection.freePort()
      var settings = settings(devices)
      settings.webSocket = "listen = \"127.0.0.1:\(port)\""
      let collector = try await site.startCollector(settings)
      let relay = try Relay(to: site.port)
      relay.block(true)
      let agent = try await devices[0].start(
        port: relay.port,
        transport: """
          transport = "auto"
          websocket = "ws://127.0.0.1:\(port)/stt"
          udp_retry = "1 s"
          """, count: 0)
      var durable: UInt64 = 0
      for round in 0..<2 {
        relay.block(round.isMultiple(of: 2))
        let transport = round.isMultiple(of: 2) ? "websocket" : "udp"
        try await eventually("the agent uses \(transport)") {
          try decode(AgentStatus.self, try StatusSocket.ask(devices[0].socket)).transport == transport
        }
        let status = try decode(AgentStatus.self, try StatusSocket.ask(devices[0].socket))
        let before = try site.collectorStatus().datagramsPassedOn
        durable = (status.stream("pattern")?.durable ?? 0) + 100
        try await devices[0].recorded(durable)
        if transport == "websocket" {
          try await eventually("datagrams are passed on") { try site.collectorStatus().datagramsPassedOn > before }
        }
      }
      agent.signal(SIGTERM)
      #expect(try await agent.ended() == 0)
      collector.signal(SIGTERM)
      #expect(try await collector.ended() == 0, "\(collector.standardError)")
      #expect(agent.standardError.split(separator: "\n").count { $0.contains("connected: hybrid") } == 1)
      #expect(collector.standardError.contains("goes on from"))
      try await devices[0].expectRecordingAgrees()
    }

    @Test func sessionsThatAreFullRefuseTheNextOnWhateverThread() async throws {
      let site = try await Site()
      let devices = (1...3).map { Device(site: site, name: "full-\($0)") }
      for device in devices { try await device.make() }
      let collector = try await site.startCollector(settings(devices, more: "sessions = 2\n"))
      let first = try await devices[0].start(count: 10)
      let second = try await devices[1].start(count: 10)
      try await devices[0].recorded(10)
      try await devices[1].recorded(10)
      let third = try await devices[2].start(count: 10)
      // Two datagrams of each.
      try await eventually("the third asked") { try site.collectorStatus().handshakes.proofs > 5 }
      #expect(try site.collectorStatus().sessions == 2)
      first.signal(SIGTERM)
      #expect(try await first.ended() == 0)
      try await devices[2].recorded(10)
      for agent in [second, third] {
        agent.signal(SIGTERM)
        #expect(try await agent.ended() == 0)
      }
      collector.signal(SIGTERM)
      #expect(try await collector.ended() == 0, "\(collector.standardError)")
    }
  }
}
