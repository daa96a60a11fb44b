import Glibc
import Testing

extension EndToEnd {
  @Suite(.serialized) struct Cutting {
    private static let python = getenv("STT_TEST_PYTHON").map { String(cString: $0) }

    private func messages(_ site: Site, _ path: String) async throws -> UInt64 {
      let outcome = try await site.stt(["verify", path, "--format", "json"])
      let report = try decode(Verification.self, outcome.output)
      #expect(report.verdict == "intact", "\(outcome)")
      return report.messages
    }

    /// After what a recording received first, and before what it received last, in seconds: a collector on a busy machine
    /// receives in bursts.
    private func timesThatOverlap(_ site: Site) async throws -> (from: String, until: String) {
      struct Line: Decodable { var receivedNanoseconds: UInt64 }
      let lines = try await site.stt(["export", site.recordings, "--to", "ndjson"]).output.split(separator: "\n")
      let times = Set(try lines.map { try decode(Line.self, String($0)).receivedNanoseconds }).sorted()
      try #require(times.count >= 3)
      func between(_ index: Int) -> String {
        "\(Double(times[index - 1] - times[0] + (times[index] - times[index - 1]) / 2) / 1e9)"
      }
      return (between(1), between(times.count - 1))
    }

    @Test func aCutAndItsRestMergeToTheWholeAndNothingComesTwice() async throws {
      let site = try await Site.recorded(pattern: 400)
      let whole = try await messages(site, site.recordings)
      let (early, late, both) = ("\(site.path)/early.mcap", "\(site.path)/late.mcap", "\(site.path)/both.mcap")
      let (from, until) = try await timesThatOverlap(site)
      #expect(try await site.stt(["cut", site.recordings, "--until", until, "--out", early]).code == 0)
      #expect(try await site.stt(["cut", site.recordings, "--from", from, "--out", late]).code == 0)
      let parts = try await (messages(site, early), messages(site, late))
      #expect(parts.0 > 0 && parts.0 < whole && parts.1 > 0 && parts.1 < whole)
      #expect(parts.0 + parts.1 > whole, "the two overlap")
      let merged = try await site.stt(["merge", early, late, "--out", both])
      #expect(merged.code == 0 && merged.output.contains("came twice"), "\(merged)")
      #expect(try await messages(site, both) == whole)
      let account = try await site.stt(["verify", both, "--account", site.accountPath])
      #expect(account.code == 0, "\(account)")
      let again = try await site.stt(["merge", early, late, "--out", both])
      #expect(again.code == 2, "an existing file was replaced: \(again)")
      if let python = Self.python {
        let script = """
          import sys
          from mcap.reader import make_reader
          reader = make_reader(open(sys.argv[1], 'rb'), validate_crcs=True)
          print(sum(1 for _ in reader.iter_messages()))
          """
        let stock = try await site.run(python, ["-c", script, both])
        #expect(stock.output == "\(whole)\n", "\(stock)")
      }
    }

    @Test func exportsHoldWhatTheRecordingHolds() async throws {
      let site = try await Site.recorded(pattern: 50)
      let counts = try await site.inspect().counts
      let pictures = try await site.stt(["export", site.recordings, "--to", "jpeg", "--out", "\(site.path)/pictures"])
      #expect(pictures.code == 0, "\(pictures)")
      let files = Files.find(below: "\(site.path)/pictures/\(Site.device)/camera", suffix: ".jpg")
      #expect(UInt64(files.count) == counts["camera"])
      let wanted = Set((0..<5).map { outlineOfPicture($0) })
      #expect(try files.allSatisfy { wanted.contains(try Files.read($0)) })

      let tables = try await site.stt(["export", site.recordings, "--to", "csv", "--out", "\(site.path)/tables"])
      #expect(tables.code == 0, "\(tables)")
      let rows = Files.text("\(site.path)/tables/\(Site.device)-system.load.csv").split(separator: "\n")
      #expect(UInt64(rows.count) == 1 + (counts["system/load"] ?? 0))

      let plain = "\(site.path)/all.mcap"
      #expect(try await site.stt(["export", site.recordings, "--to", "mcap", "--out", plain]).code == 0)
      #expect(try await messages(site, plain) == counts.values.reduce(0, +))
    }

    @Test(.enabled(if: python != nil, "needs STT_TEST_PYTHON: an interpreter with the packages of Tests/requirements.txt"))
    func aFilmHasEveryPictureAtItsTime() async throws {
      let site = try await Site()
      let here = #filePath
      let script = (here.lastIndex(of: "/").map { String(here[..<$0]) } ?? ".") + "/films.py"
      let python = try #require(Self.python)
      let made = try await site.run(python, [script, "make", "\(site.path)/source.mcap"])
      try #require(made.code == 0, "\(made)")
      let films = "\(site.path)/films"
      let exported = try await site.stt(["export", "\(site.path)/source.mcap", "--to", "matroska", "--out", films])
      #expect(exported.code == 0, "\(exported)")
      let checked = try await site.run(python, [script, "check", films])
      #expect(checked.code == 0, "\(checked)\n\(exported)")
    }

    @Test func repairSavesWhatIsWholeOnBothSidesOfADamage() async throws {
      let site = try await Site.recorded(pattern: 3000)
      let whole = try await messages(site, site.recordings)
      let original = try #require(Files.find(below: site.recordings, suffix: ".mcap").first)
      let fine = try await site.stt(["repair", site.recordings, "--out", "\(site.path)/none"])
      #expect(fine.code == 0, "\(fine)")
      #expect(Files.find(below: "\(site.path)/none", suffix: ".mcap").isEmpty)

      let bytes = try Files.read(original)
      var altered = bytes
      altered[try #require(middleOfAChunk(bytes))] ^= 0x40
      for (name, damaged) in [("altered", altered), ("cut", Array(bytes[..<(bytes.count * 2 / 3)]))] {
        let path = "\(site.path)/\(name).mcap"
        try Files.write(path, damaged)
        let mended = try await site.stt(["repair", path, "--out", "\(site.path)/mended"])
        #expect(mended.code == 3 && mended.output.contains("lost:"), "\(mended)")
        #expect(try Files.read(path) == damaged, "the original was touched")
        let saved = try await messages(site, "\(site.path)/mended/\(name).mcap")
        #expect(saved > 0 && saved < whole)
        if name == "altered" {
          let last = try await site.stt(
            ["replay", "\(site.path)/mended/altered.mcap", "--fast", "--format", "ndjson", "--streams", "pattern"])
          #expect(last.output.contains("\"message\":0,") && last.output.contains("\"message\":2999,"), "\(mended)")
        }
      }
    }

    /// A byte of a chunk in the middle of an MCAP file: indices beside it hold no message.
    private func middleOfAChunk(_ bytes: [UInt8]) -> Int? {
      var place = 8
      while place + 9 <= bytes.count {
        let length = (1...8).reduce(0) { $0 | Int(truncatingIfNeeded: UInt64(bytes[place + $1]) << UInt64(8 * ($1 - 1))) }
        guard length >= 0, length <= bytes.count - place - 9 else { return nil }
        if bytes[place] == 0x06, place + 9 + length > bytes.count / 2 { return place + 9 + length / 2 }
        place += 9 + length
      }
      return nil
    }

    @Test func listTellsOfSegmentsWhetherTheyAreSealedFinishedOrNot() async throws {
      let site = try await Site.recorded(pattern: 50)
      let original = try #require(Files.find(below: site.recordings, suffix: ".mcap").first)
      try Files.write("\(site.path)/cut.mcap", Array(try Files.read(original).dropLast(30)))
      for (path, state) in [(original, "finished"), ("\(site.path)/cut.mcap", "unfinished")] {
        let listed = try await site.stt(["ls", path, "--format", "json"])
        #expect(listed.code == 0, "\(listed)")
        let segment = try #require(try decode(Listing.self, listed.output).segments.first)
        #expect(segment.state == state && segment.device == Site.device && !segment.sealed, "\(listed)")
        #expect(segment.streams.map(\.name).contains("system/load"))
      }
    }

    private struct Listing: Decodable {
      struct Segment: Decodable {
        struct Stream: Decodable { var name: String }
        var device: String
        var state: String
        var sealed: Bool
        var streams: [Stream]
      }
      var segments: [Segment]
    }
  }
}
