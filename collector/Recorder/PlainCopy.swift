public import STTRecord

/// A segment's messages in a plain file of their own.
public enum PlainCopy {
  public enum Result {
    case written(messages: UInt64, damage: SegmentDamage?)
    /// No key opens it; the slots it has.
    case locked(slots: [String])
  }

  /// Writes `path`'s messages to a new file, as far as the original is whole.
  ///
  /// - Parameter disk: makes the calls for the new file.
  public static func write(
    _ path: String, to destination: String, on disk: any Disk = SystemDisk(), keys: KeySources
  ) throws -> Result {
    var channels: [UInt16: UInt16] = [:]
    var damage: SegmentDamage?
    var copy: PlainSegment?
    do {
      var reader = try SegmentReader(try FileSource(path), decompressor: Zstandard(), opener: SegmentUnsealer(keys))
      reader.checksSummary = false
      reading: while true {
        switch try reader.next() {
        case .chunk:
          if let seal = reader.seal, !seal.isOpened { return .locked(slots: seal.note.slots) }
          let segment = try copy ?? PlainSegment(creating: destination, on: disk)
          copy = segment
          let known = reader.channels
          let schemas = reader.schemas
          try reader.forEachMessage { message in
            let id = message.identity.channel
            let added = channels[id] ?? known[id].flatMap { segment.add($0, schemas[$0.schema]) }
            guard let added else { return }
            channels[id] = added
            try segment.append(message, channel: added)
          }
        case .metadata(let name, let entries):
          guard name == SealNote.recoveryName else { continue }
          copy = try copy ?? PlainSegment(creating: destination, on: disk)
          copy?.note(name, entries)
        case .dataEnd, .end: break reading
        }
      }
    } catch let found as SegmentDamage {
      damage = found
    }
    let segment = try copy ?? PlainSegment(creating: destination, on: disk)
    try segment.finish()
    return .written(messages: segment.messageCount, damage: damage)
  }
}
