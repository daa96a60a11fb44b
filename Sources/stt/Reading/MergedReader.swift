import STTRecord
import STTRecorder
import STTSample

/// A device's wall clock against the collector's, from `stt/clock`.
struct RecordedClock: Sendable {
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

/// Several tracks as one, by the time the collector received each message; as much of them as was asked for.
final class MergedReader {
  private let tracks: [TrackReader]
  private let streamsRead = PlayedStreams()
  private let selection: ReadSelection
  /// When the recording begins and what was asked for of it; known once ``next(_:)`` was called.
  private(set) var range: (origin: UInt64, from: UInt64, until: UInt64)?
  /// How each device's clocks stood to the collector's, as far as was read.
  private var clocks: [String: RecordedClock] = [:]
  /// The same by stream.
  private var streamClocks: [RecordedClock?] = []
  /// By stream: whether it was asked for.
  private var isWanted: [Bool] = []

  init(_ tracks: [RecordingFiles.Track], keys: KeySources, _ selection: ReadSelection) {
    self.tracks = tracks.map { [streamsRead] in TrackReader($0, keys, streamsRead) }
    self.selection = selection
  }

  /// Streams met so far, whether they were asked for or not.
  var streams: [PlayedStream] { streamsRead.all }

  var damage: [(path: String, what: SegmentDamage)] { tracks.flatMap(\.damage) }

  /// Calls `body` with the next message that was asked for; `false` when there is none.
  func next(_ body: (borrowing RecordedMessage, PlayedChannel) throws -> Void) throws -> Bool {
    let range = try range ?? begin()
    var isTaken = false
    while !isTaken {
      guard let track = earliest, let time = track.nextTime, time < range.until else {
        try selection.check(streams)
        return false
      }
      try track.take { message, channel in
        noteClock(message, channel.stream)
        guard time >= range.from, wants(channel.stream) else { return }
        isTaken = true
        try body(message, channel)
      }
    }
    return true
  }

  /// How the clock of the stream's device stood when what was read last was recorded, if that was known.
  func clock(of stream: PlayedStream) -> RecordedClock? {
    while streamClocks.count <= stream.index { streamClocks.append(clocks[streams[streamClocks.count].device]) }
    return streamClocks[stream.index]
  }

  private func begin() throws -> (origin: UInt64, from: UInt64, until: UInt64) {
    for track in tracks { try track.begin() }
    let origin = earliest?.nextTime ?? 0
    let from = selection.from?.time(origin) ?? 0
    var until = selection.until?.time(origin) ?? .max
    if let duration = selection.duration { until = min(until, max(from, origin) &+ duration) }
    range = (origin, from, until)
    for track in tracks { track.skip(before: from) }
    return (origin, from, until)
  }

  private var earliest: TrackReader? {
    if tracks.count == 1 { return tracks[0] }
    return tracks.lazy.filter { $0.nextTime != nil }.min { ($0.nextTime ?? 0) < ($1.nextTime ?? 0) }
  }

  private func wants(_ stream: PlayedStream) -> Bool {
    while isWanted.count <= stream.index { isWanted.append(selection.wants(streams[isWanted.count])) }
    return isWanted[stream.index]
  }

  private func noteClock(_ message: borrowing RecordedMessage, _ stream: PlayedStream) {
    guard stream.isNote, stream.topic == "stt/clock" else { return }
    clocks[stream.device] = RecordedClock(stream.decode(message.payload))
    streamClocks.removeAll(keepingCapacity: true)
  }
}
