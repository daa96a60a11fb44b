import Glibc
import LinuxUDP
import STTImpairment
import Testing

extension EndToEnd {
  @Suite(.serialized) struct BadLink {
    @Test func overALinkThatLosesRepeatsAndReordersEverythingIsRecorded() async throws {
      let site = try await Site()
      let collector = try await site.startCollector()
      let link = Impairment(
        lossPercent: 5, bursts: .init(sharePercent: 1, length: 5), duplicatePercent: 3, delay: 10_000_000,
        jitter: 15_000_000, bitsPerSecond: 20_000_000)
      let relay = try ImpairmentRelay(to: [.loopback(port: site.port)], there: link, back: link, seed: 1)
      let agent = try await site.startAgent(
        AgentSettings(
          port: relay.local.port,
          sources: [Source.pattern(rate: 500, count: 2000), Source.pattern("large", rate: 10, count: 30, size: 100_000)]))
      try await site.recorded("pattern", 2000)
      try await site.recorded("large", 30)
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
      let report = relay.report
      // How many datagrams it takes depends on how large the path lets them be.
      #expect(report.there.lost > 0 && report.there.repeated > 0 && report.back.lost > 0, "\(report)")
      #expect(agent.standardError.split(separator: "\n").count { $0.contains("connected: ") } == 1)
      let inspection = try await site.inspect()
      #expect(inspection.counts["pattern"] == 2000)
      #expect(inspection.counts["large"] == 30)
    }

    @Test func sttRelayPassesOnAndTellsWhatItDid() async throws {
      let site = try await Site()
      let collector = try UDPPort()
      let device = try UDPPort()
      let relay = try Program(
        "stt", ["relay", "--to", "127.0.0.1:\(collector.port)", "--duplicate", "100", "--delay", "1ms", "--for", "60s"],
        log: site.log("relay"))
      var port: UInt16?
      try await eventually("the relay says where it listens") {
        port = relay.standardOutput.split(separator: ",").first?.split(separator: ":").last.flatMap { UInt16($0) }
        return port != nil
      }
      device.send([1, 2, 3], to: try #require(port))
      var received: [[UInt8]] = []
      try await eventually("both arrive") {
        while let datagram = collector.receive() { received.append(datagram.bytes) }
        return received.count == 2
      }
      #expect(received == [[1, 2, 3], [1, 2, 3]])
      relay.signal(SIGTERM)
      #expect(try await relay.ended() == 0)
      #expect(relay.standardOutput.contains("  repeated                           1           0"), "\(relay.standardOutput)")
    }

    @Test func sttBenchLossMeasuresWhatItSays() async throws {
      let site = try await Site()
      let outcome = try await site.stt(
        [
          "bench", "loss", "--loss", "5", "--rate", "4Mbit", "--rtt", "20ms", "--message", "5000", "--seconds", "4",
          "--format", "json",
        ])
      #expect(outcome.code == 0, "\(outcome)")
      let report = try decode(LossReport.self, outcome.output)
      #expect(report.runs.map(\.delivery) == ["reliable", "partial"])
      for run in report.runs {
        #expect(run.sentMessages > 0 && run.receivedMessages > 0 && run.relay.there.lostDatagrams > 0, "\(outcome)")
        #expect(run.shareOfLinkPercent > 0 && run.shareOfLinkPercent < 100, "\(outcome)")
      }
      #expect(report.runs[0].receivedMessages == report.runs[0].sentMessages)
      #expect((0...100).contains(try #require(report.runs[1].deliveredInTimePercent)))
    }
  }
}

private struct LossReport: Decodable {
  struct Run: Decodable {
    struct Relay: Decodable {
      struct Way: Decodable { var lostDatagrams: UInt64 }
      var there: Way
    }

    var delivery: String
    var sentMessages: UInt64
    var receivedMessages: UInt64
    var shareOfLinkPercent: Double
    var deliveredInTimePercent: Double?
    var relay: Relay
  }

  var runs: [Run]
}
