import FoundationEssentials
import Glibc
import Testing

extension EndToEnd {
  /// Each measurement, small: that it ends, counts what it says and leaves nothing behind. How fast this machine is is no
  /// test's concern.
  @Suite(.serialized) struct Benches {
    private func measured<Report: Decodable>(_ type: Report.Type, _ arguments: [String]) async throws -> Report {
      let site = try await Site()
      let outcome = try await site.stt(["bench"] + arguments + ["--format", "json"])
      try #require(outcome.code == 0, "\(outcome)")
      #expect(outcome.error == "")
      return try decode(type, outcome.output)
    }

    @Test func sttBenchTellsWhatTheSenderCostsBesideCipherAndSocket() async throws {
      struct Report: Decodable {
        var messagesPerSecond: Double
        var messagesLost: Int
        var senderCPUSecondsPerGigabyte: Double
        var ceilingSenderCPUSecondsPerGigabyte: Double
        var senderCPUOfCeiling: Double
      }
      let report = try await measured(Report.self, ["--seconds", "2"])
      #expect(report.messagesPerSecond > 0 && report.messagesLost == 0, "\(report)")
      #expect(report.ceilingSenderCPUSecondsPerGigabyte > 0)
      let ratio = report.senderCPUSecondsPerGigabyte / report.ceilingSenderCPUSecondsPerGigabyte
      #expect(abs(report.senderCPUOfCeiling - ratio) < 0.001 * ratio, "\(report)")
    }

    @Test func sttBenchRecordRecordsWhatItSendsAndRemovesIt() async throws {
      struct Report: Decodable {
        struct Run: Decodable {
          var messageBytes: Int
          var sealed: Bool
          var recordedMessages: UInt64
          var recordedMegabytesPerSecond: Double
          var linkMegabytesPerSecond: Double
          var shareOfLowerPercent: Double
        }
        var diskMegabytesPerSecond: Double
        var runs: [Run]
      }
      let directory = try TemporaryDirectory()
      let report = try await measured(
        Report.self, ["record", "--directory", directory.path, "--message", "5000", "64", "--seconds", "2"])
      #expect(report.runs.map(\.messageBytes) == [5000, 5000, 64, 64])
      #expect(report.runs.map(\.sealed) == [false, true, false, true])
      for run in report.runs {
        #expect(run.recordedMessages > 0 && run.recordedMegabytesPerSecond > 0, "\(run)")
        let lower = min(report.diskMegabytesPerSecond, run.linkMegabytesPerSecond)
        #expect(abs(run.shareOfLowerPercent - run.recordedMegabytesPerSecond / lower * 100) < 0.1, "\(run)")
      }
      #expect(Files.entries(of: directory.path) == [])
    }

    @Test func sttBenchRecordSaysWhereItCannotWrite() async throws {
      let site = try await Site()
      let outcome = try await site.stt(["bench", "record", "--directory", "\(site.path)/nowhere"])
      #expect(outcome.code == 1)
      #expect(outcome.output.contains("\(site.path)/nowhere") && outcome.output.contains("No such file"), "\(outcome)")
    }

    @Test func sttBenchSmallCountsSamplesAndAllocations() async throws {
      struct Report: Decodable {
        var samplesPerSecond: Double
        var ceilingSamplesPerSecond: Double
        var recordedPlainSamplesPerSecond: Double
        var recordedSealedSamplesPerSecond: Double
        var countedSamples: UInt64
        var lostSamples: Int
        var senderAllocationsPerMillionSamples: Double
        var receiverAllocationsPerMillionSamples: Double
      }
      let directory = try TemporaryDirectory()
      let report = try await measured(Report.self, ["small", "--directory", directory.path, "--seconds", "2"])
      #expect(report.samplesPerSecond > 0 && report.ceilingSamplesPerSecond > 0 && report.lostSamples == 0, "\(report)")
      #expect(report.recordedPlainSamplesPerSecond > 0 && report.recordedSealedSamplesPerSecond > 0, "\(report)")
      #expect(report.countedSamples > 0)
      #expect(report.senderAllocationsPerMillionSamples >= 0 && report.receiverAllocationsPerMillionSamples >= 0)
    }

    @Test func sttBenchCameraBringsEveryFrame() async throws {
      struct Report: Decodable {
        struct Camera: Decodable {
          var framesPerSecond: Int
          var meanFrameBytes: Int
          var p50Microseconds: UInt64
          var p99Microseconds: UInt64
          var lostFrames: Int
          var fullSpeedFramesPerSecond: Double
          var ceilingFramesPerSecond: Double
        }
        var cameras: [Camera]
      }
      let report = try await measured(Report.self, ["camera", "--camera", "mjpeg", "h264"])
      #expect(report.cameras.count == 2)
      for camera in report.cameras {
        #expect(camera.lostFrames == 0 && camera.meanFrameBytes > 0 && camera.framesPerSecond > 0, "\(camera)")
        #expect(camera.p50Microseconds > 0 && camera.p50Microseconds <= camera.p99Microseconds, "\(camera)")
        #expect(camera.fullSpeedFramesPerSecond > 0 && camera.ceilingFramesPerSecond > 0, "\(camera)")
      }
    }

    /// Beside a program that only talks: what others can do is for machines that have them.
    @Test func sttBenchPeersMeasuresTheSameWorkBesideAnother() async throws {
      struct Report: Decodable {
        struct Run: Decodable {
          var program: String
          var messageBytes: Int
          var megabytesPerSecond: Double
          var messagesPerSecond: Double
          var sttThroughputRatio: Double
        }
        var runs: [Run]
      }
      let directory = try TemporaryDirectory()
      let peer = "\(directory.path)/echoes"
      try Files.write(
        peer,
        """
        #!/bin/sh
        # Says that a million bytes went by in a second.
        if [ "$1" = receive ]; then echo 4650; fi
        echo "messages=1000 bytes=1000000 seconds=1 cpu_seconds=0.5"

        """, mode: 0o700)
      let report = try await measured(Report.self, ["peers", "--peer", peer, "--message", "1000", "--seconds", "2"])
      #expect(report.runs.map(\.program) == ["stt", "stt, 65507-byte datagrams", "echoes"])
      let last = try #require(report.runs.last)
      #expect(last.megabytesPerSecond == 1 && last.messagesPerSecond == 1000 && last.messageBytes == 1000)
      #expect(abs(last.sttThroughputRatio - report.runs[0].megabytesPerSecond) < 0.001, "\(report)")
    }

    @Test func sttBenchPeersSaysWhichProgramFailed() async throws {
      let site = try await Site()
      let outcome = try await site.stt(["bench", "peers", "--peer", "/bin/false", "--message", "1000", "--seconds", "2"])
      #expect(outcome.code == 1 && outcome.output.contains("receiving process of /bin/false"), "\(outcome)")
    }
  }
}
