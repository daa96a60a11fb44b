import STTRecord
import STTRecorder
import STTSample

/// One message of a recording, read out for a person or another program.
struct ReadMessage {
  var channel: RecordedChannel
  var identity: MessageIdentity
  var logTime: UInt64
  var publishTime: UInt64
  var payload: [UInt8]
}

/// Reads a track's messages one after another, a chunk in memory at a time.
struct TrackReader: ~Copyable {
  private var files: [String]
  private var reader: SegmentReader<FileSource, Zstandard, SegmentUnsealer>?
  private let keys: KeySources
  private var chunk: [ReadMessage] = []
  private var next = 0
  /// Schemas of every file read so far, by name.
  private(set) var layouts: [String: [String: MessageLayout]] = [:]
  private(set) var schemaNames: [String: String] = [:]
  /// What was wrong with a file; its whole part was read.
  private(set) var damage: [(path: String, what: SegmentDamage)] = []
  private var path = ""

  init(_ track: RecordingFiles.Track, _ keys: KeySources) {
    files = track.files
    self.keys = keys
  }

  /// The next message's time without taking it.
  mutating func peek() throws -> UInt64? {
    while next >= chunk.count {
      guard try fill() else { return nil }
    }
    return chunk[next].logTime
  }

  mutating func take() throws -> ReadMessage? {
    guard try peek() != nil else { return nil }
    next += 1
    return chunk[next - 1]
  }

  private mutating func fill() throws -> Bool {
    chunk.removeAll(keepingCapacity: true)
    next = 0
    while true {
      if reader == nil {
        guard !files.isEmpty else { return false }
        path = files.removeFirst()
        do {
          reader = try SegmentReader(
            try FileSource(path), decompressor: Zstandard(), opener: SegmentUnsealer(keys))
        } catch let found as SegmentDamage {
          damage.append((path, found))
          continue
        }
      }
      do {
        switch try reader?.next() {
        case .chunk?: break
        case .metadata?: continue
        case .dataEnd?, .end?, nil:
          reader = nil
          continue
        }
        if let seal = reader?.seal, !seal.isOpened { throw SegmentLocked(path: path, slots: seal.note.slots) }
        try collect()
        return true
      } catch let found as SegmentDamage {
        damage.append((path, found))
        reader = nil
      }
    }
  }

  private mutating func collect() throws {
    let channels = reader?.channels ?? [:]
    for schema in (reader?.schemas ?? [:]).values where layouts[schema.name] == nil {
      layouts[schema.name] = schema.encoding == "protobuf" ? MessageLayout.all(in: schema.data) : [:]
    }
    for channel in channels.values {
      schemaNames[channel.topic] = reader?.schemas[channel.schema]?.name ?? ""
    }
    var found: [ReadMessage] = []
    try reader?.forEachMessage { message in
      guard let channel = channels[message.identity.channel] else { return }
      found.append(
        ReadMessage(
          channel: channel, identity: message.identity, logTime: message.logTime, publishTime: message.publishTime,
          payload: message.payload.withUnsafeBytes { [UInt8]($0) }))
    }
    chunk = found
  }

  /// The payload's named values, or `nil` where no schema explains it.
  func decode(_ message: ReadMessage) -> [DecodedField]? {
    guard let name = schemaNames[message.channel.topic], let types = layouts[name], let layout = types[name] else {
      return nil
    }
    return layout.decode(message.payload.span.bytes, types: types)
  }
}

/// A device's wall clock against the collector's, from `stt/clock`.
struct RecordedClock {
  /// Device minus collector, in nanoseconds.
  let offset: Int64
  /// The offset is right to within so many nanoseconds.
  let uncertainty: UInt64

  init?(_ fields: [DecodedField]?) {
    var offset: Int64?
    var uncertainty: UInt64?
    for field in fields ?? [] {
      switch (field.name, field.value) {
      case ("wall_offset", .integer(let value)): offset = value
      case ("uncertainty", .unsigned(let value)): uncertainty = value
      default: break
      }
    }
    guard let offset, let uncertainty else { return nil }
    self.offset = offset
    self.uncertainty = uncertainty
  }
}

/// Several tracks as one, by the time the collector received each message.
struct MergedReader: ~Copyable {
  private var tracks: [TrackBox]
  /// How each device's clocks stood to the collector's, as far as was read.
  private(set) var clocks: [String: RecordedClock] = [:]

  /// A noncopyable reader in a place of its own.
  private final class TrackBox {
    var reader: TrackReader
    init(_ track: RecordingFiles.Track, _ keys: KeySources) { reader = TrackReader(track, keys) }
  }

  init(_ tracks: [RecordingFiles.Track], keys: KeySources) { self.tracks = tracks.map { TrackBox($0, keys) } }

  mutating func next() throws -> (message: ReadMessage, fields: [DecodedField]?)? {
    var earliest: (time: UInt64, box: TrackBox)?
    for box in tracks {
      guard let time = try box.reader.peek() else { continue }
      if earliest == nil || time < earliest?.time ?? 0 { earliest = (time, box) }
    }
    guard let box = earliest?.box, let message = try box.reader.take() else { return nil }
    let fields = box.reader.decode(message)
    if message.channel.topic == "stt/clock", let device = message.channel.metadata["stt.device"] {
      clocks[device] = RecordedClock(fields)
    }
    return (message, fields)
  }

  /// How the clock of `message`'s device stood when it was recorded, if that was known.
  func clock(of message: ReadMessage) -> RecordedClock? {
    message.channel.metadata["stt.device"].flatMap { clocks[$0] }
  }

  var damage: [(path: String, what: SegmentDamage)] { tracks.flatMap { $0.reader.damage } }
}
