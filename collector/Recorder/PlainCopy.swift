import STTRecord
import STTSample

/// A segment's messages in a plain file of their own.
public enum PlainCopy {
  public enum Result {
    case written(messages: UInt64, damage: SegmentDamage?)
    /// No key opens it; the slots it has.
    case locked(slots: [String])
  }

  /// Writes `path`'s messages to a new file, as far as the original is whole.
  public static func write(_ path: String, to destination: String, keys: KeySources) throws -> Result {
    var writer = SegmentWriter(
      compressor: Zstandard(), library: "stt \(RecorderVersion.text)", chunkCapacity: 256 << 10)
    var channels: [UInt16: UInt16] = [:]
    var damage: SegmentDamage?
    var file: SegmentFile?
    do {
      var reader = try SegmentReader(try FileSource(path), decompressor: Zstandard(), opener: SegmentUnsealer(keys))
      reading: while true {
        switch try reader.next() {
        case .chunk:
          if let seal = reader.seal, !seal.isOpened { return .locked(slots: seal.note.slots) }
          let known = reader.channels
          let schemas = reader.schemas
          try reader.forEachMessage { message in
            let id = message.identity.channel
            let added = channels[id] ?? known[id].flatMap { add($0, schemas, &writer) }
            guard let added else { return }
            channels[id] = added
            var identity = message.identity
            identity.channel = added
            message.payload.withUnsafeBytes {
              writer.append(identity, logTime: message.logTime, publishTime: message.publishTime, first: $0)
            }
          }
          writer.closeChunk()
          file = try file ?? create(destination)
          try flush(&writer, file)
        case .metadata(let name, let entries):
          if name == SealNote.recoveryName { writer.addMetadata(name: name, entries) }
        case .dataEnd, .end: break reading
        }
      }
    } catch let found as SegmentDamage {
      damage = found
    }
    file = try file ?? create(destination)
    let count = writer.messageCount
    writer.finish()
    try flush(&writer, file)
    try file?.sync()
    return .written(messages: count, damage: damage)
  }

  private static func create(_ path: String) throws(RecorderError) -> SegmentFile {
    try SegmentFile(creating: path, directory: path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".")
  }

  private static func add(
    _ channel: RecordedChannel, _ schemas: [UInt16: RecordedSchema], _ writer: inout SegmentWriter<Zstandard, NoSealer>
  ) -> UInt16? {
    let schema = schemas[channel.schema]
    return writer.addChannel(
      topic: channel.topic,
      schema: Schema(encoding: schema?.encoding ?? "", name: schema?.name ?? "", data: schema?.data ?? []),
      metadata: channel.metadata, compresses: !(schema?.name.hasPrefix("foxglove.") ?? false))
  }

  private static func flush(
    _ writer: inout SegmentWriter<Zstandard, NoSealer>, _ file: SegmentFile?
  ) throws(RecorderError) {
    guard let file, writer.pending.unsafeBytes.count > 0 else { return }
    try file.write(writer.pending.unsafeBytes, at: writer.pendingOffset)
    writer.written(writer.pending.count)
  }
}
