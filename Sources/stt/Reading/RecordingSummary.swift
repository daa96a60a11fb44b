import STTJSON
import STTRecord
import STTRecorder
import STTSample

/// Walks files and gathers what `inspect`, `verify` and `ls` tell.
struct RecordingSummary {
  struct File {
    /// Which of the tracks it belongs to.
    var folder: Int
    var path: String
    var byteCount: UInt64
    var report: SegmentReport
  }

  private(set) var files: [File] = []
  /// Messages missing between two segments.
  private(set) var discontinuities: [String] = []
  /// Segments that should be there and are not.
  private(set) var missing: [String] = []
  /// Segments that were removed to keep to limits.
  private(set) var removals: [String] = []

  enum Verdict: String {
    case intact, truncated, altered
    /// The chain from segment to segment is broken.
    case incomplete
    /// Sealed, and no key given opens all of it: its chain is whole, and what it holds can't be said.
    case locked
  }

  var verdict: Verdict {
    if files.contains(where: { $0.report.verdict == .altered }) || !discontinuities.isEmpty { return .altered }
    if !missing.isEmpty { return .incomplete }
    if files.contains(where: { $0.report.verdict == .truncated }) { return .truncated }
    return files.contains { !$0.report.isOpened } ? .locked : .intact
  }

  /// - Parameters:
  ///   - newest: what a keystore knows of a folder's newest segment.
  ///   - anchors: heads to look for.
  ///   - progress: bytes done of bytes in all.
  ///   - message: sees every message; without it files are read side by side.
  init(
    _ tracks: [RecordingFiles.Track], keys: KeySources, newest: (_ folder: String) -> ChainHead? = { _ in nil },
    anchors: AnchorCheck? = nil, progress: (UInt64, UInt64) -> Void = { _, _ in },
    message: ((borrowing RecordedMessage, RecordedChannel, _ folder: Int) -> Void)? = nil
  ) throws {
    let sources = try tracks.map { track in try track.files.map { try FileSource($0) } }
    let total = sources.joined().reduce(0) { $0 + $1.byteCount }
    var done: UInt64 = 0
    // Whoever wants to see messages wants them in order, and heads are looked for by one thread.
    var reports =
      try message == nil && anchors == nil
      ? ParallelVerification(Array(sources.joined()), keys: keys).run { progress($0, total) }[...] : []
    for (folder, (track, files)) in zip(tracks, sources).enumerated() {
      var ends: [String: UInt64] = [:]
      let isFolder = track.folder != track.files.first
      var chain = SegmentChainCheck(isFolder: isFolder, removed: isFolder ? note(track.folder, keys) : nil)
      for source in files {
        let report =
          try reports.popFirst()
          ?? SegmentVerifier.verify(
            source, decompressor: Zstandard(), opener: SegmentUnsealer(keys, anchors: anchors),
            progress: { progress(done + $0, total) }, message: { message?($0, $1, folder) })
        done += source.byteCount
        self.files.append(File(folder: folder, path: source.path, byteCount: source.byteCount, report: report))
        chain.take(source.path, report, &missing)
        for channel in report.channels { compare(channel, &ends, source.path) }
      }
      chain.finish(track.folder, newest(track.folder), &missing)
    }
  }

  /// What was removed from a folder's beginning, unless somebody else says so than the collector.
  private mutating func note(_ folder: String, _ keys: KeySources) -> RemovedSegments? {
    guard let removed = RemovedSegments(in: folder) else { return nil }
    let isGenuine = removed.isGenuine(keys.collectors)
    // Of plain recordings nothing is proven, and with a wrong keystore the chain says the rest.
    guard isGenuine != false || removed.head.isEmpty else {
      missing.append("\(folder): its note of removed segments was not written by the collector with these keys")
      return nil
    }
    let proof = removed.head.isEmpty ? "" : isGenuine == nil ? "; --keys would prove it" : "; the collector signed that"
    removals.append(
      "\(folder): \(removed.segmentCount) older segment(s) up to \(removed.through), \(sizeText(removed.byteCount)), were removed to keep to limits\(proof)"
    )
    return removed
  }

  /// States the recording should have and has not.
  mutating func lack(_ lines: [String]) { missing += lines }

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
