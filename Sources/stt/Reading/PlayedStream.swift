import STTRecord
import STTSample

/// A stream as reading commands know it: a device's, through all files and runs that have it alike.
final class PlayedStream: Sendable {
  /// What streams are told apart by.
  struct Key: Hashable, Sendable {
    var device: String
    var topic: String
    var schema: RecordedSchema?
  }

  /// 0 and up, in the order in which streams were met.
  let index: Int
  let key: Key
  /// The metadata of its first channel.
  let metadata: [String: String]
  /// How its payloads are read; `nil` where no schema explains them.
  let layout: MessageLayout?
  let types: [String: MessageLayout]

  init(index: Int, key: Key, metadata: [String: String]) {
    self.index = index
    self.key = key
    self.metadata = metadata
    types = key.schema.map { $0.encoding == "protobuf" ? MessageLayout.all(in: $0.data) : [:] } ?? [:]
    layout = key.schema.flatMap { [types] schema in types[schema.name] }
  }

  var device: String { key.device }
  var topic: String { key.topic }

  /// The recorder's own notes: clock estimates and events.
  var isNote: Bool { metadata["stt.delivery"] == "note" }

  func decode(_ payload: RawSpan) -> [DecodedField]? { layout?.decode(payload, types: types) }
}

/// A stream in one run of its device: what a channel of a file stands for.
final class PlayedChannel: Sendable {
  /// 0 and up, over all files read together.
  let index: Int
  let channel: RecordedChannel
  let stream: PlayedStream

  init(index: Int, _ channel: RecordedChannel, _ stream: PlayedStream) {
    self.index = index
    self.channel = channel
    self.stream = stream
  }
}

/// Streams and channels met so far, over all files read together.
final class PlayedStreams {
  private struct ChannelKey: Hashable {
    var stream: Int
    var metadata: [String: String]
  }

  private(set) var all: [PlayedStream] = []
  private var places: [PlayedStream.Key: Int] = [:]
  private var channels: [ChannelKey: PlayedChannel] = [:]

  func channel(of channel: RecordedChannel, _ schema: RecordedSchema?) -> PlayedChannel {
    let stream = stream(of: channel, schema)
    let key = ChannelKey(stream: stream.index, metadata: channel.metadata)
    if let known = channels[key] { return known }
    let fresh = PlayedChannel(index: channels.count, channel, stream)
    channels[key] = fresh
    return fresh
  }

  private func stream(of channel: RecordedChannel, _ schema: RecordedSchema?) -> PlayedStream {
    var schema = schema
    // Files number their schemas as they like.
    schema?.id = 1
    let key = PlayedStream.Key(device: channel.metadata["stt.device"] ?? "", topic: channel.topic, schema: schema)
    if let place = places[key] { return all[place] }
    let stream = PlayedStream(index: all.count, key: key, metadata: channel.metadata)
    places[key] = all.count
    all.append(stream)
    return stream
  }
}
