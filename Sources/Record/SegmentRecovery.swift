/// An unfinished file made whole again: what survives of it, and the bytes that end it.
public struct SegmentRecovery: ~Copyable {
  /// Bytes of the file to keep; the rest is cut off.
  public let keptByteCount: UInt64
  /// What was wrong; `nil` for a file that is whole.
  public let damage: SegmentDamage?
  /// What every channel holds of the kept part.
  public let channels: [SegmentReport.Channel]
  /// How far each stream goes in the kept part of a sealed file, as far as the collector's key shows it.
  public let sealedPositions: [String: UInt64]
  /// The seal as it stands after the kept part; `nil` for a plain file.
  public let seal: SegmentSealState?
  private let summary: SegmentSummary

  /// Walks `source` as far as it is whole. Sealed batches stay closed.
  public init<Source: ByteSource, Decompressor: ChunkDecompressor, Opener: SegmentOpener>(
    _ source: Source, decompressor: Decompressor, opener: Opener
  ) throws {
    var report = SegmentReport()
    var reader = try SegmentReader(source, decompressor: decompressor, opener: opener)
    reader.notesChunks = true
    var seal = reader.seal
    var found: SegmentDamage?
    var places: [UInt16: Int] = [:]
    var kept = reader.groupEnd
    var sound = reader.summary
    do {
      walking: while true {
        switch try reader.next() {
        case .chunk:
          let channels = reader.channels
          var logTimes: [(channel: Int, time: UInt64)] = []
          try reader.forEachMessage { message in
            let id = message.identity.channel
            let place = places[id] ?? report.channels.count
            if places[id] == nil, let channel = channels[id] {
              places[id] = place
              report.channels.append(SegmentReport.Channel(channel: channel))
            }
            let empty = report.channels[place].messageCount == 0
            if empty { report.channels[place].firstNumber = message.identity.number }
            report.channels[place].messageCount += 1
            report.channels[place].endNumber = max(
              report.channels[place].endNumber, message.identity.number == .max ? .max : message.identity.number + 1)
            logTimes.append((Int(id), message.logTime))
          }
          if reader.seal == nil { for (channel, time) in logTimes { reader.summary.note(channel, time) } }
          seal = reader.seal
          kept = reader.groupEnd
          sound = reader.summary
        case .metadata:
          // A sealed file is cut after a seal: what comes later nobody vouches for.
          guard reader.seal == nil || reader.groupEnd == reader.offset else { continue }
          kept = reader.groupEnd
          sound = reader.summary
          seal = reader.seal
        case .dataEnd:
          try reader.checkSummary()
          kept = source.byteCount
          break walking
        case .end:
          break walking
        }
      }
    } catch let damage as SegmentDamage {
      found = damage
    }
    keptByteCount = kept
    damage = found
    summary = sound
    channels = report.channels
    sealedPositions = reader.sealedPositions
    self.seal = found == nil ? reader.seal : seal
  }

  /// The bytes that go behind the kept ones: notes of what happened and the end of the data, then summary and
  /// footer.
  public consuming func ending(
    notes: [(name: String, entries: [String: String])]
  ) -> (data: [UInt8], summary: [UInt8]) {
    var writer = SegmentWriter<NoCompression, NoSealer>(
      finishing: summary, at: keptByteCount, compressor: NoCompression())
    for note in notes { writer.addMetadata(name: note.name, note.entries) }
    writer.endData()
    let data = [UInt8](writer.pending)
    writer.finish()
    return (data, Array(writer.pending[data.count...]))
  }
}

extension SegmentRecovery {
  /// Walks `source` without any key.
  public init<Source: ByteSource, Decompressor: ChunkDecompressor>(
    _ source: Source, decompressor: Decompressor
  ) throws {
    try self.init(source, decompressor: decompressor, opener: NoOpener())
  }
}
