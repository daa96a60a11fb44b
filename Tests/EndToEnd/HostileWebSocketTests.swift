import Glibc
import Testing

extension EndToEnd {
  @Suite(.serialized) struct HostileWebSockets {
    /// Clients that are no HTTP, no WebSocket, or one held wrong, while a device streams over UDP and
    /// another path of the same collector.
    @Test func clientsThatHoldItWrongAreRefusedCountedAndDisturbNobody() async throws {
      let site = try await Site()
      let port = try TCPConnection.freePort()
      let collector = try await site.startCollector(
        CollectorSettings(
          webSocket: """
            listen = "127.0.0.1:\(port)"
            connections = 8
            connections_per_address = 4
            handshake_timeout = "1 s"
            """))
      let agent = try await site.startAgent(AgentSettings(sources: [Source.pattern(rate: 200, count: 1000)]))
      try await site.recorded("pattern", 50)

      try await refusedBeforeTheUpgrade(port)
      try await closedForTheirFrames(port)
      try await keptToTheLimit(site, port)

      let status = try #require(try site.collectorStatus().webSocket)
      #expect(status.refused >= 4, "\(status)")
      #expect(status.violations >= 8, "\(status)")
      #expect(status.overLimit >= 1, "\(status)")
      try await site.recorded("pattern", 1000)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
    }

    /// Behind a proxy the last address of X-Forwarded-For counts; what stands before it anybody can write.
    @Test func aProxysWordDecidesWhoseLimitItIs() async throws {
      let site = try await Site()
      let port = try TCPConnection.freePort()
      let collector = try await site.startCollector(
        CollectorSettings(
          webSocket: "listen = \"127.0.0.1:\(port)\"\nbehind_proxy = true\nconnections_per_address = 1"))
      var clients: [TCPConnection] = []
      let cases: [(String, Int)] = [
        ("192.0.2.1", 101), ("198.51.100.9, 192.0.2.1", 503), ("192.0.2.1, 2001:db8::1", 101), ("2001:db8::1", 503),
        ("192.0.2.2", 101), ("nonsense", 101), ("more nonsense", 503),
      ]
      for (forwarded, status) in cases {
        let client = try TCPConnection(to: port)
        let head = try await client.upgrade(more: "X-Forwarded-For: \(forwarded)\r\n")
        #expect(head.hasPrefix("HTTP/1.1 \(status)"), "\(forwarded): \(head)")
        clients.append(client)
      }
      collector.signal(SIGTERM)
      #expect(try await collector.ended() == 0)
    }

    private func refusedBeforeTheUpgrade(_ port: UInt16) async throws {
      let elsewhere = try TCPConnection(to: port)
      #expect(try await elsewhere.upgrade(path: "/else").hasPrefix("HTTP/1.1 404"))
      _ = try await elsewhere.untilClosed()
      let plain = try TCPConnection(to: port)
      plain.send("GET /stt HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(String(decoding: try await plain.untilClosed(), as: UTF8.self).hasPrefix("HTTP/1.1 426"))
      let garbage = try TCPConnection(to: port)
      garbage.send((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) })
      _ = try await garbage.untilClosed()
      let endless = try TCPConnection(to: port)
      endless.send(
        "GET /stt HTTP/1.1\r\n" + String(repeating: "X-Filler: \(String(repeating: "y", count: 1000))\r\n", count: 40))
      _ = try await endless.untilClosed()
      // Says half a head and then nothing: the time for it is up after a second.
      let slow = try TCPConnection(to: port)
      slow.send("GET /stt HTTP/1.1\r\nHost: loc")
      #expect(try await slow.untilClosed() == [])
    }

    private func closedForTheirFrames(_ port: UInt16) async throws {
      let junk = [UInt8](repeating: 7, count: 100)
      let cases: [(String, [UInt8], UInt16)] = [
        ("a text", TCPConnection.frame(1, Array("hello".utf8)), 1003),
        ("a frame without a mask", TCPConnection.frame(2, junk, masked: false), 1002),
        ("65,508 bytes", TCPConnection.frame(2, [UInt8](repeating: 0, count: 65_508)), 1009),
        ("a length of 2^62", [0x82, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1009),
        (
          "fragments of 65,508 bytes together",
          TCPConnection.frame(2, [UInt8](repeating: 0, count: 65_000), final: false)
            + TCPConnection.frame(0, [UInt8](repeating: 0, count: 508)), 1009
        ),
        ("a continuation of nothing", TCPConnection.frame(0, junk), 1002),
        ("a fragmented ping", TCPConnection.frame(9, junk, final: false), 1002),
        ("reserved bits", [0xC2, 0x81, 0, 0, 0, 0, 1], 1002),
      ]
      for (what, bytes, code) in cases {
        let client = try TCPConnection(to: port)
        #expect(try await client.upgrade().hasPrefix("HTTP/1.1 101"), "\(what)")
        // A ping is answered, with what it carried.
        client.send(TCPConnection.frame(9, [1, 2, 3]) + bytes)
        let answer = try await client.untilClosed()
        #expect(answer == TCPConnection.frame(10, [1, 2, 3], masked: false) + close(code), "\(what)")
      }
    }

    private func close(_ code: UInt16) -> [UInt8] {
      TCPConnection.frame(8, [UInt8(code >> 8), UInt8(code & 0xFF)], masked: false)
    }

    /// Four connections of one address are its limit; a fifth is turned away, and room that was left is had.
    private func keptToTheLimit(_ site: Site, _ port: UInt16) async throws {
      try await eventually("earlier connections are gone") { try site.collectorStatus().webSocket?.connections == 0 }
      var clients: [TCPConnection] = []
      for _ in 0..<4 {
        let client = try TCPConnection(to: port)
        #expect(try await client.upgrade().hasPrefix("HTTP/1.1 101"))
        // Whole messages that are no datagrams of ours: strays, as over UDP.
        client.send(TCPConnection.frame(2, [1, 2, 3]) + TCPConnection.frame(2))
        clients.append(client)
      }
      let fifth = try TCPConnection(to: port)
      #expect(try await fifth.upgrade().hasPrefix("HTTP/1.1 503"))
      clients[0].send(TCPConnection.frame(8, [3, 232]))
      _ = try await clients[0].untilClosed()
      try await eventually("its place is free") { try site.collectorStatus().webSocket?.connections == 3 }
      #expect(try await TCPConnection(to: port).upgrade().hasPrefix("HTTP/1.1 101"))
    }
  }
}
