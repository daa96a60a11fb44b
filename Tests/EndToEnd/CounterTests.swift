import Glibc
import Testing

extension EndToEnd {
  @Suite struct Counters {
    /// The device's counter is on the disk before its first HELLO leaves, and a crash skips what was
    /// reserved: the collector, which never heard of it, must know the next value all the same.
    @Test func aPowerCutBeforeTheFirstSessionCostsNoAttempt() async throws {
      let site = try await Site()
      let silent = try UDPPort()
      let settings = AgentSettings(port: silent.port, sources: [Source.pattern(rate: 500, count: 20)])
      let first = try await site.startAgent(settings)
      try await eventually("the agent says HELLO") { silent.receive().map { $0.bytes.count >= 412 } ?? false }
      first.signal(SIGKILL)
      #expect(try await first.ended() == 128 + SIGKILL)

      let collector = try await site.startCollector()
      let second = try await site.startAgent(AgentSettings(sources: settings.sources))
      try await site.recorded("pattern", 20)
      try await site.stop(agent: second, collector: collector)
      #expect(!second.standardError.contains("attempt"), "\(second.standardError)")
    }
  }
}
