import Glibc
import Testing

extension EndToEnd {
  @Suite(.serialized) struct Reading {
    @Test func replayAndExportGiveEveryMessage() async throws {
      let site = try await Site.recorded(pattern: 300)
      let inspection = try await site.inspect()
      let messages = inspection.files.reduce(0) { $0 + $1.messages }
      #expect(messages == inspection.counts.values.reduce(0, +))
      let verified = try decode(
        Verification.self, try await site.stt(["verify", site.recordings, "--format", "json"]).output)
      #expect(verified.messages == messages)

      for command in [["replay", "--fast", "--format", "ndjson"], ["export", "--to", "ndjson"]] {
        let outcome = try await site.stt([command[0], site.recordings] + command.dropFirst())
        #expect(outcome.code == 0, "\(outcome.error)")
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == messages)
        let read = try lines.map { try decode(Line.self, String($0)) }
        var counts: [String: UInt64] = [:]
        for line in read { counts[line.stream, default: 0] += 1 }
        #expect(counts == inspection.counts)
        // Each reliable stream from 0 on, without a hole.
        #expect(read.filter { $0.stream == "pattern" }.map(\.message) == Array(0..<300))
        #expect(read.allSatisfy { $0.receivedNanoseconds >= read[0].receivedNanoseconds })
        #expect(read.allSatisfy { $0.stream.hasPrefix("stt/") || $0.device == Site.device })
        // Both ends are on this machine: their clocks are one, and the estimate covers that.
        let estimates = read.compactMap { line in
          line.deviceClockOffsetNanoseconds.flatMap { offset in
            line.deviceClockUncertaintyNanoseconds.map { (offset, $0) }
          }
        }
        #expect(!estimates.isEmpty)
        #expect(estimates.allSatisfy { $0.0.magnitude <= $0.1 + 5_000_000 })
      }
    }

    private struct Line: Decodable {
      var stream: String
      var device: String
      var message: UInt64
      var receivedNanoseconds: UInt64
      var bytes: Int
      var deviceClockOffsetNanoseconds: Int64?
      var deviceClockUncertaintyNanoseconds: UInt64?
    }

    @Test func csvHasAHeaderWithUnitsAndARowForEachMessage() async throws {
      let site = try await Site.recorded(pattern: 10)
      let inspection = try await site.inspect()
      for name in ["system/load", "system/memory"] {
        let outcome = try await site.stt(["export", site.recordings, "--to", "csv", "--streams", name])
        #expect(outcome.code == 0, "\(outcome)")
        let rows = outcome.output.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let stream = try #require(inspection.files.flatMap(\.streams).first { $0.name == name })
        let expected = stream.fields.map { $0.unit.isEmpty ? $0.name : "\($0.name) [\($0.unit)]" }
        #expect(expected.contains { $0.hasSuffix("]") }, "no field of \(name) has a unit")
        #expect(rows.first?.map(String.init) == ["published", "message"] + expected)
        #expect(UInt64(rows.count) == 1 + (inspection.counts[name] ?? 0))
        #expect(rows.allSatisfy { $0.count == rows[0].count })
      }
    }

    @Test func replayKeepsTheRecordingsTime() async throws {
      let site = try await Site.recorded(pattern: 500)
      let clock = ContinuousClock()
      let start = clock.now
      let outcome = try await site.stt(["replay", site.recordings, "--streams", "pattern", "--format", "ndjson"])
      let taken = clock.now - start
      #expect(outcome.code == 0, "\(outcome.error)")
      let times = try outcome.output.split(separator: "\n").map {
        try decode(Line.self, String($0)).receivedNanoseconds
      }
      let recorded = Duration.nanoseconds(Int64(try #require(times.last) - (try #require(times.first))))
      // Never sooner than it happened; how much later is up to the machine.
      #expect(recorded > .zero)
      #expect(taken >= recorded)
    }

    /// As `| head -1` does: the reader goes away in the middle.
    @Test(arguments: [
      ["replay", "--fast", "--format", "ndjson"], ["replay", "--fast"], ["export"],
      ["export", "--to", "csv", "--streams", "pattern"],
    ])
    func aReaderThatGoesAwayEndsTheProgramQuietly(words: [String]) async throws {
      let site = try await Site.recorded(pattern: 1000)
      var ends: [CInt] = [0, 0]
      try #require(pipe(&ends) == 0)
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      let program = try Program(
        "stt", [words[0], site.recordings] + words.dropFirst(), log: "\(site.path)/broken", standardOutput: ends[1])
      close(ends[1])
      var byte: UInt8 = 0
      #expect(read(ends[0], &byte, 1) == 1)
      close(ends[0])
      let code = try await program.ended()
      #expect(code == 0 || code == 128 + SIGPIPE, "exit code \(code)")
      #expect(program.standardError == "")
    }
  }
}
