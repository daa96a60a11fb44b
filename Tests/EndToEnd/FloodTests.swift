import FoundationEssentials
import Testing

extension EndToEnd {
  @Suite(.serialized) struct Floods {
    private struct Report: Decodable {
      struct Flood: Decodable {
        var kind: String
        var handshakes: Int
        var floodBytes: UInt64
        var answerBytes: UInt64
        var handshakeDatagramsRead: UInt64
        var responses: UInt64
        var publicKeyOperations: UInt64
      }
      var floods: [Flood]
    }

    /// A small flood of every kind against a real collector. What the clock decides is left to the benchmark: how
    /// much goodput is kept, and how soon handshakes end.
    @Test func aFloodGetsNoMoreThanItSendsAndCausesNoPublicKeyOperations() async throws {
      let site = try await Site()
      let outcome = try await site.stt([
        "bench", "flood", "--rate", "4000", "--seconds", "1", "--rounds", "1", "--devices", "4", "--load", "1", "--format",
        "json",
      ])
      #expect(outcome.code == 0 || outcome.code == 2, "\(outcome)")
      let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
      #expect(report.floods.count == 7)
      for flood in report.floods {
        #expect(flood.answerBytes <= flood.floodBytes, "\(flood)")
        #expect(flood.handshakes == 4)
        if !flood.kind.contains("session") { #expect(flood.handshakeDatagramsRead > 0, "\(flood)") }
        // A handshake that has to repeat its messages may cost a few more.
        if flood.kind != "withheld-hello" {
          #expect(flood.responses <= 24 && flood.publicKeyOperations <= 24 * 5, "\(flood)")
        }
      }
    }
  }
}
