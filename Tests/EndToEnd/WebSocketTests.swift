import Glibc
import Testing

extension EndToEnd {
  @Suite(.serialized) struct WebSocket {
    private static let sources = [
      Source.pattern(rate: 400, count: 1200), Source.pattern("large", rate: 5, count: 8, size: 150_000), Source.system,
    ]

    /// Runs until everything is recorded, and compares every byte.
    private func stream(_ site: Site, agent: Program, collector: Program) async throws {
      try await site.recorded("pattern", 1200)
      try await site.recorded("large", 8)
      let status = try site.agentStatus()
      #expect(status.transport == "websocket")
      #expect(status.webSocket?.connected == true)
      #expect(try site.collectorStatus().webSocket?.connections == 1)
      agent.signal(SIGTERM)
      #expect(try await agent.ended() == 0, "\(agent.standardError)")
      try await eventually("the goodbye arrived") { collector.standardError.contains("closedByPeer") }
      collector.signal(SIGTERM)
      #expect(try await collector.ended() == 0, "\(collector.standardError)")
      try await site.expectRecordingAgrees()
      #expect(collector.standardError.contains("connected by WebSocket"), "\(collector.standardError)")
    }

    @Test func whatWasSentOverAWebSocketIsWhatTheRecordingHolds() async throws {
      let site = try await Site()
      let port = try TCPConnection.freePort()
      let collector = try await site.startCollector(
        CollectorSettings(webSocket: "listen = \"127.0.0.1:\(port)\""))
      let agent = try await site.startAgent(
        AgentSettings(
          transport: "transport = \"websocket\"\nwebsocket = \"ws://127.0.0.1:\(port)/stt\"", sources: Self.sources))
      try await stream(site, agent: agent, collector: collector)
    }

    @Test(.enabled(if: access("/usr/bin/openssl", X_OK) == 0, "needs openssl to make a certificate"))
    func theCollectorsOwnTLSCarriesItAndAnUnknownAuthorityDoesNot() async throws {
      let site = try await Site()
      try await site.makeCertificate("server")
      try await site.makeCertificate("other")
      let port = try TCPConnection.freePort()
      let collector = try await site.startCollector(
        CollectorSettings(
          webSocket: """
            listen = "127.0.0.1:\(port)"
            certificate = "\(site.path)/server.crt"
            key = "\(site.path)/server.key"
            """))
      func settings(_ authority: String) -> AgentSettings {
        AgentSettings(
          transport: """
            transport = "websocket"
            websocket = "wss://localhost:\(port)/stt"
            websocket_ca = "\(site.path)/\(authority).crt"
            """, sources: Self.sources)
      }
      let distrusting = try await site.startAgent(settings("other"))
      try await eventually("the agent says what is wrong with the certificate") {
        try site.agentStatus().webSocket?.trouble?.uppercased().contains("CERTIFICATE") == true
      }
      #expect(try site.agentStatus().connected == false)
      distrusting.signal(SIGKILL)
      _ = try await distrusting.ended()
      let agent = try await site.startAgent(settings("server"))
      try await stream(site, agent: agent, collector: collector)
    }

    @Test(
      .enabled(if: access("/usr/sbin/nginx", X_OK) == 0, "needs nginx: apt-get install nginx-light"),
      .enabled(if: access("/usr/bin/openssl", X_OK) == 0, "needs openssl to make a certificate"))
    func nginxDoesTLSInFrontOfIt() async throws {
      let site = try await Site()
      try await site.makeCertificate("server")
      let inner = try TCPConnection.freePort()
      let outer = try TCPConnection.freePort()
      let collector = try await site.startCollector(
        CollectorSettings(webSocket: "listen = \"127.0.0.1:\(inner)\"\nbehind_proxy = true"))
      let nginx = try site.startNginx(listen: outer, to: inner)
      let agent = try await site.startAgent(
        AgentSettings(
          transport: """
            transport = "websocket"
            websocket = "wss://localhost:\(outer)/stt"
            websocket_ca = "\(site.path)/server.crt"
            """, sources: Self.sources))
      try await stream(site, agent: agent, collector: collector)
      nginx.signal(SIGTERM)
      _ = try await nginx.ended()
    }

    /// Nothing passes over UDP, then everything, then nothing again: one session all the time.
    @Test func automaticGoesToTheWebSocketAndBackWithoutLosingOrDoublingAMessage() async throws {
      let site = try await Site()
      let port = try TCPConnection.freePort()
      let collector = try await site.startCollector(CollectorSettings(webSocket: "listen = \"127.0.0.1:\(port)\""))
      let relay = try Relay(to: site.port)
      relay.block(true)
      let agent = try await site.startAgent(
        AgentSettings(
          port: relay.port,
          transport: """
            transport = "auto"
            websocket = "ws://127.0.0.1:\(port)/stt"
            udp_retry = "1 s"
            """, sources: [Source.pattern(rate: 100, count: 0, size: 300)]))
      #expect(try site.agentStatus().transport == "udp")
      try await uses(site, "websocket")
      try await grows(site, by: 100)
      relay.block(false)
      try await uses(site, "udp")
      try await grows(site, by: 100)
      relay.block(true)
      try await uses(site, "websocket")
      try await grows(site, by: 100)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
      #expect(agent.standardError.split(separator: "\n").count { $0.contains("connected: hybrid") } == 1)
      #expect(collector.standardError.split(separator: "\n").count { $0.contains("goes on from") } >= 2)
    }

    private func uses(_ site: Site, _ transport: String) async throws {
      try await eventually("the agent uses \(transport)\n\(site.everythingSaid)") {
        try site.agentStatus().transport == transport
      }
    }

    /// Waits for more messages on the collector's disk.
    private func grows(_ site: Site, by count: UInt64) async throws {
      try await site.recorded("pattern", (try site.agentStatus().stream("pattern")?.durable ?? 0) + count)
    }

    @Test func aConnectionCutInTheMiddleCostsNoSession() async throws {
      let site = try await Site()
      let port = try TCPConnection.freePort()
      let collector = try await site.startCollector(CollectorSettings(webSocket: "listen = \"127.0.0.1:\(port)\""))
      let relay = try TCPRelay(to: port)
      let agent = try await site.startAgent(
        AgentSettings(
          transport: "transport = \"websocket\"\nwebsocket = \"ws://127.0.0.1:\(relay.port)/stt\"",
          sources: [Source.pattern(rate: 200, count: 1000, size: 2000)]))
      for (round, count) in [200, 500, 800].enumerated() as EnumeratedSequence<[UInt64]> {
        try await site.recorded("pattern", count)
        relay.cut()
        try await eventually("it is connected again") {
          try site.agentStatus().webSocket.map { $0.connections >= UInt64(round) + 2 && $0.connected } == true
        }
      }
      try await site.recorded("pattern", 1000)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
      #expect(agent.standardError.split(separator: "\n").count { $0.contains("connected: hybrid") } == 1)
      #expect(collector.standardError.contains("goes on from another WebSocket connection"))
    }

    @Test(.enabled(if: access("/usr/bin/openssl", X_OK) == 0, "needs openssl to make a certificate"))
    func aCertificateThatCannotBeUsedIsNamed() async throws {
      let site = try await Site()
      try await site.makeCertificate("server")
      try await site.makeCertificate("other")
      let cases = [
        ("none.crt", "server.key", "none.crt"), ("server.crt", "none.key", "none.key"),
        ("server.crt", "other.key", "other.key"),
      ]
      for (chain, key, named) in cases {
        let file = try site.writeCollector(
          CollectorSettings(
            webSocket: """
              listen = "127.0.0.1:1"
              certificate = "\(site.path)/\(chain)"
              key = "\(site.path)/\(key)"
              """))
        for command in ["check", "run"] {
          let outcome = try await site.run("stt-collector", [command, "--config", file])
          #expect(outcome.code == 2, "\(outcome)")
          #expect(outcome.said.contains("\(site.path)/\(named) "), "\(outcome)")
        }
      }
    }

    @Test func anAgentWithoutItsCompanionSaysWhatIsMissing() async throws {
      let site = try await Site()
      let programs = try #require(Programs.directory)
      try Files.write("\(site.path)/stt-agent", try Files.read("\(programs)/stt-agent"), mode: 0o755)
      let file = try site.writeAgent(
        AgentSettings(
          transport: "transport = \"auto\"\nwebsocket = \"wss://collector.example/stt\"",
          sources: [Source.pattern(rate: 10, count: 10)]))
      for command in ["check", "run"] {
        let outcome = try await site.run("\(site.path)/stt-agent", [command, "--config", file])
        #expect(outcome.code == 2)
        #expect(outcome.said.contains("\(site.path)/stt-websocket"), "\(outcome)")
      }
    }
  }
}

extension Site {
  /// `<name>.crt` and `<name>.key` for localhost, signed by itself.
  func makeCertificate(_ name: String) async throws {
    let made = try await run(
      "/usr/bin/openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", "\(path)/\(name).key", "-out", "\(path)/\(name).crt",
      ])
    try #require(made.code == 0, "\(made)")
  }

  /// The proxy of docs/configuration.md, as far as one user's process can be it.
  func startNginx(listen outer: UInt16, to inner: UInt16) throws -> Program {
    try Files.write(
      "\(path)/nginx.conf",
      """
      daemon off;
      master_process off;
      pid \(path)/nginx.pid;
      error_log stderr;
      events { }
      http {
        access_log off;
        client_body_temp_path \(path)/nginx-body;
        proxy_temp_path \(path)/nginx-proxy;
        fastcgi_temp_path \(path)/nginx-fastcgi;
        uwsgi_temp_path \(path)/nginx-uwsgi;
        scgi_temp_path \(path)/nginx-scgi;
        server {
          listen 127.0.0.1:\(outer) ssl;
          ssl_certificate \(path)/server.crt;
          ssl_certificate_key \(path)/server.key;
          location = /stt {
            proxy_pass http://127.0.0.1:\(inner);
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
          }
        }
      }

      """)
    return try Program("/usr/sbin/nginx", ["-c", "\(path)/nginx.conf", "-p", path], log: log("nginx"))
  }
}
