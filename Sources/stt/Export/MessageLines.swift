import STTRecord
import STTSample

/// A message as one line of JSON.
enum MessageLines {
  static func json(
    _ message: borrowing RecordedMessage, _ stream: PlayedStream, _ clock: RecordedClock?, to output: ByteOutput
  ) {
    output.text("{\"stream\":")
    output.quoted(stream.topic)
    output.text(",\"device\":")
    output.quoted(stream.device)
    output.text(",\"message\":")
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
      fields(message.payload, layout, stream.types, to: output, depth: 0)
    }
    output.text("}\n")
  }

  /// Messages inside messages are followed this far.
  private static let deepest = 8

  private static func fields(
    _ payload: RawSpan, _ layout: MessageLayout, _ types: [String: MessageLayout], to output: ByteOutput, depth: Int
  ) {
    output.byte(UInt8(ascii: "{"))
    var isFirst = true
    layout.forEachField(payload) { place, scalar, bytes in
      let member = layout.members[place]
      if !isFirst { output.byte(UInt8(ascii: ",")) }
      isFirst = false
      output.quoted(member.name)
      output.byte(UInt8(ascii: ":"))
      if let scalar {
        value(scalar, to: output)
      } else if member.type == 9 {
        bytes.withUnsafeBytes { output.quoted($0) }
      } else if member.type == 11, depth < deepest, let inner = types[member.typeName] {
        fields(bytes, inner, types, to: output, depth: depth + 1)
      } else {
        output.text("\"<")
        output.unsigned(UInt64(bytes.byteCount))
        output.text(" bytes>\"")
      }
    }
    output.byte(UInt8(ascii: "}"))
  }

  private static func value(_ value: DecodedValue, to output: ByteOutput) {
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
