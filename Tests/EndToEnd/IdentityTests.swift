import Glibc
import Testing

extension EndToEnd {
  @Suite struct Identities {
    /// The whole story of a stolen pair file: its thief can make the handshake, and gets no further.
    @Test func anIdentityIsPinnedAtFirstContactAndAThiefOfTheSeedIsBlocked() async throws {
      let site = try await Site()
      let (own, foreign) = ("\(site.path)/own.identity", "\(site.path)/foreign.identity")
      for path in [own, foreign] {
        let made = try await site.stt(["identity", "new", "--out", path])
        try #require(made.code == 0, "\(made)")
      }
      let collector = try await site.startCollector(CollectorSettings(identity: "required"))
      let settings = AgentSettings(identity: own, sources: [Source.pattern(rate: 500, count: 100)])

      let first = try await site.startAgent(settings)
      try await site.recorded("pattern", 100)
      first.signal(SIGTERM)
      #expect(try await first.ended() == 0)
      #expect(collector.standardError.contains("shows an identity for the first time"), "\(collector.standardError)")
      try await expectListed(site, own)

      let second = try await site.startAgent(settings)
      try await site.recorded("pattern", 100)
      second.signal(SIGTERM)
      #expect(try await second.ended() == 0)
      #expect(try site.collectorStatus().messagesRecorded >= 200)
      #expect(!collector.standardError.contains("ALARM"), "\(collector.standardError)")

      // The thief has the pair and the counters, and an identity of its own.
      let recorded = try site.collectorStatus().messagesRecorded
      let thief = try await site.startAgent(
        AgentSettings(identity: foreign, sources: [Source.pattern("stolen", rate: 500, count: 100)]))
      try await eventually("the thief is refused") { thief.standardError.contains("does not accept this device's identity") }
      #expect(thief.standardError.contains("another identity is pinned for it"), "\(thief.standardError)")
      thief.signal(SIGKILL)
      #expect(try await thief.ended() == 128 + SIGKILL)
      #expect(collector.standardError.contains("ALARM: \(Site.device) is refused"), "\(collector.standardError)")
      #expect(try site.collectorStatus().messagesRecorded == recorded)
      try await expectListed(site, own)

      // A device that really got a new identity: a person says so.
      let unpinned = try await site.stt(["identity", "unpin", Site.device, "--state", "\(site.path)/collector-state"])
      #expect(unpinned.code == 0, "\(unpinned)")
      let renewed = try await site.startAgent(
        AgentSettings(identity: foreign, sources: [Source.pattern(rate: 500, count: 50)]))
      try await site.recorded("pattern", 50)
      try await site.stop(agent: renewed, collector: collector)
      try await expectListed(site, foreign)
      let inspection = try await site.inspect()
      #expect(inspection.counts["stolen"] == nil)
    }

    @Test func aPinnedDeviceIsNotHeardWithoutItsIdentityAndAnUnpinnedOneNeedsNone() async throws {
      let site = try await Site()
      let collector = try await site.startCollector(CollectorSettings(identity: "pin"))
      let bare = AgentSettings(sources: [Source.pattern(rate: 500, count: 20)])
      let first = try await site.startAgent(bare)
      try await site.recorded("pattern", 20)
      first.signal(SIGTERM)
      #expect(try await first.ended() == 0)

      let own = "\(site.path)/own.identity"
      let made = try await site.stt(["identity", "new", "--out", own, "--algorithms", "ed25519"])
      try #require(made.code == 0, "\(made)")
      let shown = try await site.stt(["identity", "show", own, "--format", "json"])
      let fingerprint = try decode(ShownIdentity.self, shown.output).fingerprint
      let pinned = try await site.stt([
        "identity", "pin", "--state", "\(site.path)/collector-state", "--pair", site.pairPath, fingerprint,
      ])
      #expect(pinned.code == 0, "\(pinned)")
      let recorded = try site.collectorStatus().messagesRecorded
      let without = try await site.startAgent(bare)
      try await eventually("the device without its identity is refused") {
        without.standardError.contains("no identity was shown")
      }
      without.signal(SIGKILL)
      #expect(try await without.ended() == 128 + SIGKILL)
      #expect(try site.collectorStatus().messagesRecorded == recorded)

      let with = try await site.startAgent(AgentSettings(identity: own, sources: bare.sources))
      try await site.recorded("pattern", 20)
      try await site.stop(agent: with, collector: collector)
      #expect(with.standardError.contains("connected: "))
    }

    private func expectListed(_ site: Site, _ path: String) async throws {
      let shown = try decode(
        ShownIdentity.self, try await site.stt(["identity", "show", path, "--format", "json"]).output)
      let listed = try await site.stt([
        "identity", "list", "--state", "\(site.path)/collector-state", "--format", "json",
      ])
      #expect(listed.code == 0, "\(listed)")
      let pin = try decode(ListedIdentity.self, listed.output)
      #expect(pin.name == Site.device && pin.fingerprint == shown.fingerprint && pin.words == shown.words)
    }

    private struct ShownIdentity: Decodable {
      var words: String
      var fingerprint: String
    }

    private struct ListedIdentity: Decodable {
      var name: String
      var words: String
      var fingerprint: String
    }
  }
}
