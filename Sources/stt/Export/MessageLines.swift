import STTJSON
import STTRecord
import STTSample

/// Messages as lines of JSON.
final class MessageLines {
  private let output: ByteOutput
  /// By the stream's index.
  private var streams: [StreamText?] = []

  init(to output: ByteOutput) { self.output = output }

  /// What every line of a stream repeats.
  private struct StreamText {
    let stream: PlayedStream
    /// Up to the message's number.
    let start: [UInt8]
    /// By the member's place: its name up to its value.
    let members: [[UInt8]]

    init(_ stream: PlayedStream) {
      self.stream = stream
      let (topic, device) = (JSONObject.quoted(stream.topic), JSONObject.quoted(stream.device))
      start = Array("{\"stream\":\(topic),\"device\":\(device),\"message\":".utf8)
      members = stream.layout?.members.map { Array("\(JSONObject.quoted($0.name)):".utf8) } ?? []
    }
  }

  func add(_ message: borrowing RecordedMessage, _ stream: PlayedStream, _ clock: RecordedClock?) {
    let text = text(of: stream)
    output.bytes(text.start)
    output.unsigned(message.identity.number)
    output.text(",\"receivedNanoseconds\":")
    output.unsigned(message.logTime)
    output.text(",\"publishedNanoseconds\":")
    output.unsigned(message.publishTime)
    output.text(",\"deviceMonotonicNanoseconds\":")
    output.unsigned(message.identity.deviceTime.monotonicNanoseconds)
    output.text(",\"deviceWallNanoseconds\":")
    output.unsigned(message.identity.deviceTime.wallNanoseconds)
    if let clock {
      output.text(",\"deviceClockOffsetNanoseconds\":")
      output.integer(clock.offset)
      output.text(",\"deviceClockUncertaintyNanoseconds\":")
      output.unsigned(clock.uncertainty)
    }
    output.text(",\"bytes\":")
    output.unsigned(UInt64(message.payload.byteCount))
    if let layout = stream.layout {
      output.text(",\"fields\":")
      fields(message.payload, layout, stream.types, text.members)
    }
    output.text("}\n")
  }

  private func text(of stream: PlayedStream) -> StreamText {
    while streams.count <= stream.index { streams.append(nil) }
    // Indexes are of one reading, and a replay that goes round reads anew.
    if let known = streams[stream.index], known.stream === stream { return known }
    let fresh = StreamText(stream)
    streams[stream.index] = fresh
    return fresh
  }

  /// Messages inside messages are followed this far.
  private static let deepest = 8

  /// - Parameter names: of the members, if they were made ready.
  private func fields(
    _ payload: RawSpan, _ layout: MessageLayout, _ types: [String: MessageLayout], _ names: [[UInt8]] = [], depth: Int = 0
  ) {
    output.byte(UInt8(ascii: "{"))
    var isFirst = true
    layout.forEachField(payload) { place, scalar, bytes in
      let member = layout.members[place]
      if !isFirst { output.byte(UInt8(ascii: ",")) }
      isFirst = false
      if place < names.count {
        output.bytes(names[place])
      } else {
        output.quoted(member.name)
        output.byte(UInt8(ascii: ":"))
      }
      if let scalar {
        value(scalar)
      } else if member.type == 9 {
        bytes.withUnsafeBytes { output.quoted($0) }
      } else if member.type == 11, depth < Self.deepest, let inner = types[member.typeName] {
        fields(bytes, inner, types, depth: depth + 1)
      } else {
        output.text("\"<")
        output.unsigned(UInt64(bytes.byteCount))
        output.text(" bytes>\"")
      }
    }
    output.byte(UInt8(ascii: "}"))
  }

  private func value(_ value: DecodedValue) {
    switch value {
    // JSON has no infinities and no NaN.
    case .number(let number): if number.isFinite { output.number(number) } else { output.text("null") }
    case .integer(let number): output.integer(number)
    case .unsigned(let number): output.unsigned(number)
    case .flag(let flag): output.text(flag ? "true" : "false")
    case .text, .bytes, .nested: output.text("null")
    }
  }
}
