import STTRecord
import STTRecorder

/// Reads a track's messages one after another, a chunk in memory at a time.
final class TrackReader {
  private var files: ArraySlice<String>
  private var reader: SegmentReader<FileSource, Zstandard, SegmentUnsealer>?
  private let keys: KeySources
  private let streams: PlayedStreams
  /// By channel id, of the present file.
  private var channels: [PlayedChannel?] = []
  private var path = ""
  /// When the next message was received; `nil` before the first was looked for, and at the end.
  private(set) var nextTime: UInt64?
  private var isBegun = false
  /// Files that end before were not asked for.
  private var skipsBefore: UInt64 = 0
  /// What was wrong with a file; its whole part was read.
  private(set) var damage: [(path: String, what: SegmentDamage)] = []

  init(_ track: RecordingFiles.Track, _ keys: KeySources, _ streams: PlayedStreams) {
    files = track.files[...]
    self.keys = keys
    self.streams = streams
  }

  /// Finds the first message.
  func begin() throws {
    guard !isBegun else { return }
    isBegun = true
    try advance()
  }

  /// Leaves out whole files that end before `time`, as far as their summaries tell.
  func skip(before time: UInt64) { skipsBefore = time }

  /// Calls `body` with the next message and moves on.
  func take(_ body: (borrowing RecordedMessage, PlayedChannel) throws -> Void) throws {
    guard nextTime != nil else { return }
    do {
      _ = try reader?.takeMessage { message in
        let id = Int(message.identity.channel)
        guard id < channels.count, let channel = channels[id] else { return }
        try body(message, channel)
      }
    } catch let found as SegmentDamage {
      note(found)
    }
    try advance()
  }

  private func note(_ found: SegmentDamage) {
    damage.append((path, found))
    reader = nil
  }

  private func advance() throws {
    while true {
      if let time = reader?.nextLogTime() {
        nextTime = time
        return
      }
      nextTime = nil
      guard try fill() else { return }
    }
  }

  /// Goes on to the next chunk; `false` at the end of the last file.
  private func fill() throws -> Bool {
    while true {
      do {
        guard try reader != nil || open() else { return false }
        // Past the last message, to see whether there were as many as there should be.
        _ = try reader?.takeMessage { _ in }
        switch try reader?.next() {
        case .chunk?: break
        case .metadata?: continue
        case .dataEnd?, .end?, nil:
          reader = nil
          continue
        }
        if let seal = reader?.seal, !seal.isOpened { throw SegmentLocked(path: path, slots: seal.note.slots) }
        noteChannels()
        return true
      } catch let found as SegmentDamage {
        note(found)
      }
    }
  }

  private func open() throws -> Bool {
    while let next = files.popFirst() {
      path = next
      let source = try FileSource(path)
      if skipsBefore > 0, let outline = try? SegmentOutline.read(source), outline.isPlain, outline.lastTime < skipsBefore {
        continue
      }
      channels.removeAll(keepingCapacity: true)
      do {
        reader = try SegmentReader(source, decompressor: Zstandard(), opener: SegmentUnsealer(keys))
        reader?.checksSummary = false
        return true
      } catch let found as SegmentDamage {
        note(found)
      }
    }
    return false
  }

  private func noteChannels() {
    guard let known = reader?.channels, let schemas = reader?.schemas else { return }
    if channels.count(where: { $0 != nil }) == known.count { return }
    for (id, channel) in known {
      while channels.count <= Int(id) { channels.append(nil) }
      guard channels[Int(id)] == nil else { continue }
      channels[Int(id)] = streams.channel(of: channel, schemas[channel.schema])
    }
  }
}
