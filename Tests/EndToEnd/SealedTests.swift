import Glibc
import Testing

extension EndToEnd {
  @Suite(.serialized) struct Sealed {
    private static let python = getenv("STT_TEST_PYTHON").map { String(cString: $0) }

    private func keys(_ site: Site) -> [String] { ["--keys", "\(site.path)/collector-state/keys"] }

    @Test func sealedRecordingsSurviveAKillAndOpenWithTheirKeysAlone() async throws {
      let site = try await Site.recordedThroughKill(pattern: 300, CollectorSettings(seal: "sealed"))
      let verified = try await site.stt(["verify", site.recordings, "--account", site.accountPath] + keys(site))
      #expect(verified.code == 0, "\(verified)\n\(site.everythingSaid)")
      let byPair = try await site.stt(["verify", site.recordings, "--pair", site.pairPath])
      #expect(byPair.code == 0, "\(byPair)")

      let locked = try await site.stt(["verify", site.recordings])
      #expect(locked.code == 7, "\(locked)")
      for command in [["inspect"], ["replay", "--fast"], ["export"]] {
        let refused = try await site.stt([command[0], site.recordings] + command.dropFirst())
        #expect(refused.code == 2 && refused.said.contains("day 20") && refused.said.contains("--pair"), "\(refused)")
      }
      let replayed = try await site.stt(
        ["replay", site.recordings, "--fast", "--format", "ndjson", "--streams", "pattern"] + keys(site))
      #expect(replayed.output.split(separator: "\n").count == 300, "\(replayed.error)")

      let files = Files.find(below: site.recordings, suffix: ".mcap")
      #expect(files.count >= 2)
      #expect(files.allSatisfy { !Files.text($0).contains("pattern") })
      if let python = Self.python {
        let script = """
          import sys
          from mcap.reader import make_reader
          for path in sys.argv[1:]:
            reader = make_reader(open(path, 'rb'), validate_crcs=True)
            count = sum(channel.message_encoding == 'stt-sealed' for _, channel, _ in reader.iter_messages())
            assert count == reader.get_summary().statistics.message_count
          """
        let stock = try await site.run(python, ["-c", script] + files)
        #expect(stock.code == 0, "\(stock)")
      }

      let plain = "\(site.path)/plain"
      let unsealed = try await site.stt(["unseal", site.recordings, "--out", plain] + keys(site))
      #expect(unsealed.code == 0, "\(unsealed)")
      let copy = try await site.stt(["verify", plain, "--account", site.accountPath])
      #expect(copy.code == 0, "\(copy)")
    }

    @Test func aMissingSegmentAndAShortenedOneAreNamed() async throws {
      let site = try await Site.recordedThroughKill(pattern: 300, CollectorSettings(seal: "sealed"))
      let files = Files.find(below: site.recordings, suffix: ".mcap").sorted()
      for file in [files.first, files.last] {
        let file = try #require(file)
        rename(file, file + ".aside")
        let outcome = try await site.stt(["verify", site.recordings] + keys(site))
        #expect(outcome.code == 6 && outcome.output.contains("missing"), "\(outcome)")
        rename(file + ".aside", file)
      }
    }

    @Test func aRecordingThatWasRolledBackLacksWhatItsDeviceWasTold() async throws {
      let site = try await Site()
      for run in 0..<2 {
        let collector = try await site.startCollector(CollectorSettings(seal: "sealed"))
        let agent = try await site.startAgent(AgentSettings(sources: [Source.pattern(count: 50)]))
        try await site.recorded("pattern", 50)
        try await site.stop(agent: agent, collector: collector)
        let whole = try await site.stt(["verify", site.recordings, "--anchor", "\(site.path)/agent-state"] + keys(site))
        #expect(whole.code == 0 && whole.output.contains("1 state(s)"), "run \(run): \(whole)\n\(site.everythingSaid)")
      }
      // Somebody brings the day before back, keystore, catalogue and all; the device's file alone knows better.
      let files = Files.find(below: site.recordings, suffix: ".mcap").sorted()
      #expect(files.count == 2)
      let newest = try #require(files.last)
      rename(newest, newest + ".aside")
      let catalogued = try await site.stt(["verify", site.recordings, "--pair", site.pairPath])
      #expect(catalogued.code == 6 && catalogued.output.contains("named by the catalogue"), "\(catalogued)")
      #expect(try await site.stt(["catalogue", "rebuild", site.recordings]).code == 0)
      let unaware = try await site.stt(["verify", site.recordings, "--pair", site.pairPath])
      #expect(unaware.code == 0, "\(unaware)")
      for extra in [[], ["--pair", site.pairPath]] {
        let back = try await site.stt(["verify", site.recordings, "--anchor", "\(site.path)/agent-state/anchors"] + extra)
        #expect(back.code == 6 && back.output.contains("rolled back"), "\(back)")
      }
      rename(newest + ".aside", newest)
      let anchors = "\(site.path)/agent-state/anchors"
      try Files.write(anchors, Files.text(anchors).replacing("1", with: "2"))
      let altered = try await site.stt(["verify", site.recordings, "--anchor", anchors])
      #expect(altered.code == 2 && altered.output.contains("cut or altered"), "\(altered)")
    }

    @Test("streams of a purpose with a policy of its own are kept by it, the others as before, and none of it is a loss")
    func aPolicyForAPurpose() async throws {
      let site = try await Site()
      let policy = """
        reserve = "0 B"
        segment_size = "1 MiB"

        [[recording.policy]]
        purpose = "video"
        max_size = "16 MiB"
        """
      let collector = try await site.startCollector(CollectorSettings(seal: "sealed", recording: policy))
      let agent = try await site.startAgent(
        AgentSettings(sources: [
          Source.pattern("film", rate: 70, count: 420, size: 60_000) + "purpose = \"video\"\n",
          Source.pattern(rate: 200, count: 400),
        ]))
      try await site.recorded("film", 420)
      try await site.recorded("pattern", 400)
      try await site.stop(agent: agent, collector: collector)
      #expect(
        collector.standardError.contains("recordings of its purpose are larger than allowed"), "\(collector.standardError)")
      func segments(_ purpose: String) -> [String] {
        Files.find(below: "\(site.recordings)/\(Site.device)/\(purpose)", suffix: ".mcap")
      }
      let film = try segments("video").reduce(0) { try $0 + Files.read($1).count }
      // It is looked at when a segment is closed.
      #expect(film > 4 << 20 && film < 20 << 20, "\(film) bytes in \(segments("video").count) segments")
      #expect(segments("main").count == 1)
      let verified = try await site.stt(["verify", site.recordings] + keys(site))
      #expect(verified.code == 0 && verified.output.contains("were removed to keep to limits"), "\(verified)")
      let counts = try await site.stt(["inspect", site.recordings, "--format", "json"] + keys(site))
      #expect(try decode(Inspection.self, counts.output).counts["pattern"] == 400)
      #expect(try await site.stt(["catalogue", "check", site.recordings] + keys(site)).code == 0)
    }

    @Test func whatIsRemovedToKeepToALimitIsNoLossToVerify() async throws {
      let site = try await Site()
      for _ in 0..<4 {
        let collector = try await site.startCollector(CollectorSettings(seal: "sealed"))
        let agent = try await site.startAgent(AgentSettings(sources: [Source.pattern(count: 50)]))
        try await site.recorded("pattern", 50)
        try await site.stop(agent: agent, collector: collector)
      }
      let files = Files.find(below: site.recordings, suffix: ".mcap").sorted()
      try #require(files.count == 4)
      let retain = ["retain", site.recordings, "--max-size", "1 B"]
      let tried = try await site.stt(retain + ["--dry-run"])
      #expect(tried.code == 0 && tried.output.contains("3 segment(s)"), "\(tried)")
      #expect(Files.find(below: site.recordings, suffix: ".mcap").count == 4)
      let unsigned = try await site.stt(retain)
      #expect(unsigned.code == 1 && unsigned.said.contains("--keys"), "\(unsigned)")
      let removed = try await site.stt(retain + keys(site))
      #expect(removed.code == 0, "\(removed)")
      let catalogued = try await site.stt(["catalogue", "check", site.recordings] + keys(site))
      #expect(catalogued.code == 0, "\(catalogued)")
      #expect(Files.find(below: site.recordings, suffix: ".mcap") == [files[3]])
      let verified = try await site.stt(["verify", site.recordings, "--anchor", "\(site.path)/agent-state"] + keys(site))
      #expect(verified.code == 0 && verified.output.contains("the collector signed that"), "\(verified)")
      let nothing = try await site.stt(["retain", site.recordings])
      #expect(nothing.code == 64, "\(nothing)")
    }

    @Test func aWriteOnlyCollectorRecordsWhatOnlyItsRecipientReads() async throws {
      let site = try await Site()
      let made = try await site.stt(["recipient", "new", "--out", "\(site.path)/auditor"])
      #expect(made.code == 0, "\(made)")
      let settings = CollectorSettings(
        seal: "sealed", recording: "seal_to = [\"recipients\"]\nrecipients = [\"\(site.path)/auditor.pub\"]")
      let collector = try await site.startCollector(settings)
      let agent = try await site.startAgent(AgentSettings(sources: [Source.pattern(count: 50)]))
      try await site.recorded("pattern", 50)
      try await site.stop(agent: agent, collector: collector)
      let own = try await site.stt(["verify", site.recordings, "--pair", site.pairPath] + keys(site))
      #expect(own.code == 7, "\(own)")
      let audited = try await site.stt(
        ["verify", site.recordings, "--account", site.accountPath, "--recipient-key", "\(site.path)/auditor.key"])
      #expect(audited.code == 0 && audited.output.contains("every seal's code is right"), "\(audited)")
    }

    @Test func aShreddedDayOpensWithNothingAndItsReceiptVerifies() async throws {
      let site = try await Site()
      let settings = CollectorSettings(seal: "sealed", recording: "seal_to = [\"day\"]")
      let collector = try await site.startCollector(settings)
      let agent = try await site.startAgent(AgentSettings(sources: [Source.pattern(count: 50)]))
      try await site.recorded("pattern", 50)
      try await site.stop(agent: agent, collector: collector)
      let store = "\(site.path)/collector-state/keys"
      let today = try #require(Files.entries(of: store).first { $0.hasPrefix("20") })
      let early = try await site.stt(["shred", "--keys", store, "--day", today])
      #expect(early.code == 64, "\(early)")
      // What was recorded yesterday, as it will be called tomorrow.
      rename("\(store)/\(today)", "\(store)/2020-02-02")
      let shredded = try await site.stt(["shred", "--keys", store, "--before", "2020-02-03"])
      #expect(shredded.code == 0, "\(shredded)")
      #expect(try await site.stt(["verify", site.recordings] + keys(site)).code == 7)
      let receipt = "\(store)/receipt-2020-02-02"
      let checked = try await site.stt(["shred", "--keys", store, "--verify", receipt])
      #expect(checked.code == 0, "\(checked)")
      try Files.write(receipt, Files.text(receipt).split(separator: "\n").dropLast().joined(separator: "\n"))
      #expect(try await site.stt(["shred", "--keys", store, "--verify", receipt]).code == 4)
    }
  }
}
