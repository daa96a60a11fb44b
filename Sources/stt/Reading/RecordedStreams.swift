import STTRecord
import STTRecorder

/// The streams of a recording, before it is played.
enum RecordedStreams {
  /// Reads summaries where they tell; what has none, or is sealed, is read as a whole.
  static func scan(_ tracks: [RecordingFiles.Track], keys: KeySources, _ selection: ReadSelection) throws -> [PlayedStream] {
    let streams = PlayedStreams()
    for track in tracks {
      for path in track.files {
        let source = try FileSource(path)
        if let outline = try SegmentOutline.read(source), outline.isPlain {
          let schemas = Dictionary(outline.schemas.map { ($0.id, $0) }) { first, _ in first }
          for channel in outline.channels { _ = streams.channel(of: channel, schemas[channel.schema]) }
          continue
        }
        let report = try SegmentVerifier.verify(source, decompressor: Zstandard(), opener: SegmentUnsealer(keys))
        guard report.isOpened else { throw SegmentLocked(path: path, slots: report.seal?.note.slots ?? []) }
        for channel in report.channels { _ = streams.channel(of: channel.channel, report.schemas[channel.channel.schema]) }
      }
    }
    let found = streams.all
    try selection.check(found)
    return found.filter { selection.wants($0) }
  }
}
