import STTJSON
import STTRecord
import STTRecorder
import STTSample

/// Walks files and gathers what `inspect`, `verify` and `ls` tell.
struct RecordingSummary {
  struct File {
    var path: String
    var byteCount: UInt64
    var report: SegmentReport
  }

  private(set) var files: [File] = []
  /// Segments that should be there and are not, or messages missing between two.
  private(set) var discontinuities: [String] = []

  var verdict: SegmentReport.Verdict {
    if files.contains(where: { $0.report.verdict == .altered }) || !discontinuities.isEmpty { return .altered }
    return files.contains { $0.report.verdict == .truncated } ? .truncated : .intact
  }

  /// - Parameter progress: bytes done of bytes in all.
  init(
    _ tracks: [RecordingFiles.Track], progress: (UInt64, UInt64) -> Void = { _, _ in },
    message: (borrowing RecordedMessage, RecordedChannel) -> Void = { _, _ in }
  ) throws {
    let sources = try tracks.map { track in try track.files.map { try FileSource($0) } }
    let total = sources.joined().reduce(0) { $0 + $1.byteCount }
    var done: UInt64 = 0
    for track in sources {
      var ends: [String: UInt64] = [:]
      for source in track {
        let report = try SegmentVerifier.verify(
          source, decompressor: Zstandard(), progress: { progress(done + $0, total) }, message: message)
        done += source.byteCount
        files.append(File(path: source.path, byteCount: source.byteCount, report: report))
        for channel in report.channels { compare(channel, &ends, source.path) }
      }
    }
  }

  /// A reliable stream goes on in the next segment where it stopped in the last.
  private mutating func compare(_ channel: SegmentReport.Channel, _ ends: inout [String: UInt64], _ path: String) {
    let metadata = channel.channel.metadata
    guard metadata["stt.delivery"] == "reliable", let uid = metadata["stt.stream_uid"],
      let incarnation = metadata["stt.incarnation"]
    else { return }
    let key = "\(uid):\(incarnation)"
    if let end = ends[key], end != channel.firstNumber {
      discontinuities.append(
        "\(path): \(channel.channel.topic) goes on with message \(channel.firstNumber), but \(end) was next: a segment is missing or in the wrong place"
      )
    }
    ends[key] = channel.endNumber
  }
}

extension SegmentReport.Channel {
  var seconds: Double { Double(lastLogTime &- firstLogTime) / 1e9 }
  var rate: Double { messageCount > 1 && seconds > 0 ? Double(messageCount - 1) / seconds : 0 }
}
