import Glibc
import Testing

extension EndToEnd {
  @Suite(.serialized) struct Catalogues {
    private func check(_ site: Site, _ more: [String] = []) async throws -> Outcome {
      try await site.stt(["catalogue", "check", site.recordings] + more)
    }

    @Test("what a collector kept through a kill is what is made from the files alone, and finds segments by stream and time")
    func kept() async throws {
      let site = try await Site.recordedThroughKill(pattern: 200, CollectorSettings())
      let agrees = try await check(site)
      #expect(agrees.code == 0 && agrees.output.contains("agrees"), "\(agrees)\n\(site.everythingSaid)")
      var lists: [String] = []
      for _ in 0..<2 {
        for what in ["list", "streams", "gaps"] {
          let outcome = try await site.stt(["catalogue", what, site.recordings, "--format", "json"])
          #expect(outcome.code == 0, "\(outcome)")
          lists.append(outcome.output)
        }
        let rebuilt = try await site.stt(["catalogue", "rebuild", site.recordings])
        #expect(rebuilt.code == 0, "\(rebuilt)")
      }
      #expect(lists[..<3] == lists[3...])
      #expect(try await check(site).code == 0)

      let files = Files.find(below: site.recordings, suffix: ".mcap")
      #expect(files.count == 2)
      let all = try await site.stt(
        ["catalogue", "list", site.recordings, "--device", Site.device, "--streams", "system/lo*", "--from", "0"])
      #expect(files.allSatisfy { all.output.contains($0) }, "\(all)")
      for other in [["--streams", "camera"], ["--until", "2020-01-01T00:00:00Z"], ["--device", "nobody"]] {
        let none = try await site.stt(["catalogue", "list", site.recordings] + other)
        #expect(none.code == 0 && !none.output.contains(".mcap"), "\(none)")
      }
      let streams = try await site.stt(["catalogue", "streams", site.recordings])
      #expect(streams.output.contains("system/load") && streams.output.contains("200"), "\(streams)")

      // What the catalogue names has to be there.
      let newest = try #require(files.last)
      #expect(rename(newest, "\(site.path)/gone") == 0)
      let gone = try await check(site)
      #expect(gone.code == 6 && gone.output.contains(newest), "\(gone)")
      let verified = try await site.stt(["verify", site.recordings])
      #expect(verified.code == 6 && verified.output.contains(newest), "\(verified)")
      // Nothing else needs it.
      try Files.write("\(site.recordings)/catalogue.sqlite", "no database")
      #expect(try await check(site).code == 2)
      #expect(try await site.stt(["verify", site.recordings]).code == 0)
      #expect(try await site.stt(["ls", site.recordings]).code == 0)
    }

    @Test("rolled back it is found out, and together with its folder by what the collector remembers")
    func rolledBack() async throws {
      let site = try await Site.recordedThroughKill(pattern: 200, CollectorSettings(seal: "sealed"))
      let keys = ["--keys", "\(site.path)/collector-state/keys"]
      #expect(try await check(site, keys).code == 0)
      let listed = try await site.stt(["catalogue", "list", site.recordings, "--streams", "pattern"])
      #expect(listed.output.contains("? sealed, opens with day 20"), "\(listed)")
      // With a key they are looked into.
      let all = Files.find(below: site.recordings, suffix: ".mcap")
      let found = try await site.stt(["catalogue", "list", site.recordings, "--streams", "system/*"] + keys)
      #expect(all.allSatisfy { found.output.contains($0) } && !found.output.contains("?"), "\(found)")
      let nothing = try await site.stt(["catalogue", "list", site.recordings, "--streams", "camera"] + keys)
      #expect(nothing.code == 0 && !nothing.output.contains(".mcap"), "\(nothing)")
      #expect(!Files.text("\(site.recordings)/catalogue.sqlite").contains("pattern"))
      let newest = try #require(Files.find(below: site.recordings, suffix: ".mcap").last)
      let aside = "\(site.path)/newest"
      #expect(rename(newest, aside) == 0)
      _ = try await site.stt(["catalogue", "rebuild", site.recordings])
      #expect(try await check(site).code == 0)
      let both = try await check(site, keys)
      #expect(both.code == 6 && both.output.contains("the newest the collector remembers"), "\(both)")
      #expect(rename(aside, newest) == 0)
      let behind = try await check(site, keys)
      #expect(behind.code == 8 && behind.output.contains(newest), "\(behind)")
    }

    @Test("a catalogue that can't be used is made anew, and one that can't be made stops nothing", arguments: [true, false])
    func unusable(isFile: Bool) async throws {
      let site = try await Site()
      #expect(mkdir(site.recordings, 0o700) == 0)
      let file = "\(site.recordings)/catalogue.sqlite"
      if isFile {
        try Files.write(file, String(repeating: "no database ", count: 5000))
      } else {
        #expect(mkdir(file, 0o700) == 0)
      }
      let collector = try await site.startCollector()
      let agent = try await site.startAgent(AgentSettings(sources: [Source.pattern(rate: 500, count: 100)]))
      try await site.recorded("pattern", 100)
      try await eventually("the collector says what is wrong with the catalogue") {
        collector.standardError.contains(isFile ? "making it anew" : "recordings don't need it")
      }
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
      #expect(try await check(site).code == (isFile ? 0 : 2))
    }
  }
}
