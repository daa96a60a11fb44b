import Glibc
import Testing

extension EndToEnd {
  @Suite(.serialized) struct Replay {
    private static let python = getenv("STT_TEST_PYTHON").map { String(cString: $0) }
    private static let needsPython: Comment =
      "needs STT_TEST_PYTHON: an interpreter with the packages of Tests/requirements.txt"

    private static func script(_ name: String) -> String {
      let here = #filePath
      return (here.lastIndex(of: "/").map { String(here[..<$0]) } ?? ".") + "/" + name
    }

    @Test(.enabled(if: python != nil, needsPython), arguments: ["none", "sealed"])
    func aRecordingPlayedIntoAnotherCollectorIsRecordedAsItWas(seal: String) async throws {
      let site = try await Site()
      try Files.write("\(site.path)/pictures.mjpeg", (0..<5).flatMap { outlineOfPicture($0, dataByteCount: 60_000) })
      let first = try await site.startCollector(CollectorSettings(seal: seal))
      let agent = try await site.startAgent(
        AgentSettings(sources: [
          Source.pattern(rate: 1000, count: 500), Source.pattern("large", rate: 20, count: 20, size: 60_000),
          Source.system, Source.pictures("\(site.path)/pictures.mjpeg"),
        ]))
      for (stream, count) in [("pattern", 500), ("large", 20), ("camera", 5), ("system/load", 2)] as [(String, UInt64)] {
        try await site.recorded(stream, count)
      }
      try await site.stop(agent: agent, collector: first)

      // Whoever replays is a device of its own.
      let pair = "\(site.path)/replay.pair"
      #expect(try await site.stt(["seed", "new", "replay-1", "--out", pair]).code == 0)
      let again = "\(site.path)/again"
      let second = try await site.startCollector(
        CollectorSettings(root: again, pair: pair, state: "second-collector"))
      let configuration = try site.writeAgent(
        AgentSettings(pair: pair, state: "replay-state", socket: "replay.sock", sources: []), name: "replay.toml")
      let keys = ["--keys", "\(site.path)/collector-state/keys"]
      let played = try await site.stt(
        ["replay", site.recordings, "--agent", configuration, "--speed", "4"] + (seal == "sealed" ? keys : []))
      #expect(played.code == 0, "\(played)\n\(site.everythingSaid)")
      second.signal(SIGTERM)
      #expect(try await second.ended() == 0)
      #expect(try await site.stt(["verify", again]).code == 0)

      for (root, file, more) in [(site.recordings, "first", seal == "sealed" ? keys : []), (again, "second", [])] {
        let descriptor = open("\(site.path)/\(file)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        let program = try Program(
          "stt", ["replay", root, "--fast", "--format", "protobuf"] + more, log: site.log(file),
          standardOutput: descriptor)
        #expect(try await program.ended() == 0, "\(program.standardError)")
      }
      let compared = try await site.run(
        try #require(Self.python), [Self.script("compare_replays.py"), "\(site.path)/first", "\(site.path)/second"])
      #expect(compared.code == 0, "\(compared)")
      let counts = try decode([String: Int].self, compared.output)
      #expect(counts["pattern"] == 500 && counts["large"] == 20 && counts["camera"] == 5, "\(counts)")
      #expect((counts["system/load"] ?? 0) >= 2)
    }

    private struct Seen: Decodable {
      struct Info: Decodable {
        var capabilities: [String]
      }
      struct Channel: Decodable {
        var topic: String
        var encoding: String
        var schemaName: String
      }
      struct Message: Decodable {
        var topic: String
        var time: UInt64
        var bytes: Int
        var format: String?
        var isJPEG: Bool?
      }
      struct Status: Decodable {
        var level: Int
        var message: String
      }

      var info: Info
      var channels: [Channel]
      var messages: [Message]
      var times: Int
      var status: [Status]
    }

    @Test(.enabled(if: python != nil, needsPython))
    func aFoxgloveViewerSeesEveryMessageAndThePicturesAsPictures() async throws {
      let site = try await Site.recorded(pattern: 300)
      let counts = try await site.inspect().counts
      let program = try Program("stt", ["replay", site.recordings, "--foxglove", "0"], log: site.log("foxglove"))
      var url = ""
      try await eventually("the server says where it listens") {
        url = program.standardError.split(separator: " ").first { $0.hasPrefix("ws://") }.map(String.init) ?? ""
        return !url.isEmpty
      }
      let python = try #require(Self.python)
      let script = Self.script("watch_as_foxglove.py")
      let evil = try await site.run(python, [script, url, "\(site.path)/never", "--origin", "https://example.org"])
      #expect(evil.code == 3, "\(evil)")

      let viewer = try await site.run(
        python, [script, url, "\(site.path)/seen", "--origin", "https://app.foxglove.dev"])
      #expect(viewer.code == 0, "\(viewer)")
      #expect(try await program.ended() == 0, "\(program.standardError)")
      let seen = try decode(Seen.self, Files.text("\(site.path)/seen"))
      #expect(seen.info.capabilities == ["time"])
      var found: [String: UInt64] = [:]
      for message in seen.messages { found[message.topic, default: 0] += 1 }
      #expect(found == counts)
      #expect(seen.channels.first { $0.topic == "camera" }?.schemaName == "foxglove.CompressedImage")
      let pictures = seen.messages.filter { $0.topic == "camera" }
      #expect(!pictures.isEmpty && pictures.allSatisfy { $0.format == "jpeg" && $0.isJPEG == true })
      #expect(seen.times > 0)
      #expect(zip(seen.messages, seen.messages.dropFirst()).allSatisfy { $0.time <= $1.time })
      // Junk and a channel that is not there are answered, and change nothing else.
      #expect(seen.status.map(\.level) == [2, 2], "\(seen.status)")
    }

    @Test func replayLoopsUntilSomebodyGoesAndTakesApartByTimeAndName() async throws {
      let site = try await Site.recorded(pattern: 200)
      var ends: [CInt] = [0, 0]
      try #require(pipe(&ends) == 0)
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      let looping = try Program(
        "stt", ["replay", site.recordings, "--fast", "--loop", "--streams", "pattern"], log: site.log("loop"),
        standardOutput: ends[1])
      close(ends[1])
      var lines = 0
      var part = [UInt8](repeating: 0, count: 4096)
      while lines < 1000 {
        let count = read(ends[0], &part, part.count)
        try #require(count > 0, "it ended after \(lines) lines")
        lines += part[..<count].count { $0 == 10 }
      }
      close(ends[0])
      _ = try await looping.ended()

      let some = try await site.stt(
        ["replay", site.recordings, "--fast", "--format", "ndjson", "--streams", "system/*", "--for", "3600"])
      #expect(some.code == 0 && !some.output.isEmpty)
      #expect(some.output.split(separator: "\n").allSatisfy { $0.contains("\"stream\":\"system/") })
      let late = try await site.stt(["replay", site.recordings, "--fast", "--from", "2999-01-01T00:00:00Z"])
      #expect(late.code == 64, "years beyond 2200 are nobody's")
      let after = try await site.stt(["replay", site.recordings, "--fast", "--from", "2199-01-01T00:00:00Z"])
      #expect(after.code == 0 && after.output.isEmpty, "\(after)")
      let mistyped = try await site.stt(["replay", site.recordings, "--fast", "--streams", "patern"])
      #expect(mistyped.code == 2 && mistyped.error.contains("no stream patern") && mistyped.error.contains("pattern"))
    }
  }
}
