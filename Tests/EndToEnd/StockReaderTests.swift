import Glibc
import Testing

extension EndToEnd {
  @Suite(.serialized) struct StockReader {
    private static let python = getenv("STT_TEST_PYTHON").map { String(cString: $0) }
    private static let script: String = {
      let here = #filePath
      return (here.lastIndex(of: "/").map { String(here[..<$0]) } ?? ".") + "/read_with_stock_mcap.py"
    }()

    private struct Found: Decodable {
      struct Picture: Decodable {
        var begin: String
        var end: String
        var bytes: Int
        var format: String
      }

      var counts: [String: UInt64]
      var statistics: [String: UInt64]
      var pictures: [Picture]
      var load: [[String: Double]]
    }

    @Test(.enabled(if: python != nil, "needs STT_TEST_PYTHON: an interpreter with the packages of Tests/requirements.txt"))
    func theStockPackagesReadARecording() async throws {
      let site = try await Site.recorded(pattern: 200)
      let files = Files.find(below: site.recordings, suffix: ".mcap")
      let outcome = try await site.run(try #require(Self.python), [Self.script] + files)
      try #require(outcome.code == 0, "\(outcome)")
      let found = try decode(Found.self, outcome.output)

      let inspection = try await site.inspect()
      #expect(found.counts == inspection.counts)
      #expect(found.statistics == inspection.counts)
      #expect(found.counts["pattern"] == 200)

      #expect(found.load.count == inspection.counts["system/load"].map { Int($0) })
      let loads = found.load.flatMap(\.values)
      #expect(!loads.isEmpty)
      let fields = inspection.files.flatMap(\.streams).first { $0.name == "system/load" }?.fields.map(\.name) ?? []
      #expect(Set(found.load.flatMap(\.keys)).isSubset(of: fields))
      #expect(loads.allSatisfy { $0 >= 0 && $0 < 1_000_000 }, "\(found.load)")

      #expect(found.pictures.count == 5)
      for (number, picture) in found.pictures.enumerated() {
        #expect(picture.begin == "ffd8" && picture.end == "ffd9", "\(picture)")
        #expect(picture.bytes == outlineOfPicture(UInt8(number)).count)
        #expect(picture.format == "jpeg")
      }
    }

    /// After a crash and recovery too.
    @Test(.enabled(if: python != nil, "needs STT_TEST_PYTHON: an interpreter with the packages of Tests/requirements.txt"))
    func theStockPackagesReadARecoveredRecording() async throws {
      let site = try await Site()
      let first = try await site.startCollector()
      let agent = try await site.startAgent(AgentSettings(sources: [Source.pattern(count: 200), Source.system]))
      try await site.recorded("pattern", 200)
      first.signal(SIGKILL)
      _ = try await first.ended()
      agent.signal(SIGKILL)
      _ = try await agent.ended()
      let second = try await site.startCollector()
      second.signal(SIGTERM)
      #expect(try await second.ended() == 0, "\(second.standardError)")

      let files = Files.find(below: site.recordings, suffix: ".mcap")
      let outcome = try await site.run(try #require(Self.python), [Self.script] + files)
      try #require(outcome.code == 0, "\(outcome)")
      let found = try decode(Found.self, outcome.output)
      #expect(found.counts["pattern"] == 200)
      #expect(found.counts == found.statistics)
      #expect(found.counts == (try await site.inspect().counts))
    }
  }
}
