import STTRecord
import STTSample

/// One stream as comma-separated values (RFC 4180): a column for each field of its schema, empty where a
/// message has none.
final class CSVTable {
  private let stream: PlayedStream
  private let output: ByteOutput

  init(_ stream: PlayedStream, to output: ByteOutput) {
    self.stream = stream
    self.output = output
    let titles = (stream.layout?.members ?? []).map { $0.unit.isEmpty ? $0.name : "\($0.name) [\($0.unit)]" }
    output.text((["published", "message"] + titles).map(Self.cell).joined(separator: ",") + "\n")
  }

  func add(_ message: borrowing RecordedMessage) {
    output.time(message.publishTime)
    output.byte(UInt8(ascii: ","))
    output.unsigned(message.identity.number)
    if let layout = stream.layout, !layout.members.isEmpty {
      // Whoever writes protobuf writes fields in their order, once: then a row needs no memory of its own.
      var column = -1
      var isOrdered = true
      layout.forEachField(message.payload) { place, _, _ in
        isOrdered = isOrdered && place > column
        column = place
      }
      if isOrdered { addOrdered(message.payload, layout) } else { addGathered(message.payload, layout) }
    }
    output.byte(UInt8(ascii: "\n"))
  }

  private func addOrdered(_ payload: RawSpan, _ layout: MessageLayout) {
    var column = -1
    layout.forEachField(payload) { place, scalar, bytes in
      while column < place {
        output.byte(UInt8(ascii: ","))
        column += 1
      }
      switch scalar {
      case .number(let number)?: output.number(number)
      case .integer(let number)?: output.integer(number)
      case .unsigned(let number)?: output.unsigned(number)
      case .flag(let flag)?: output.text(flag ? "true" : "false")
      default: output.text(Self.cell(text(bytes, layout.members[place])))
      }
    }
    while column < layout.members.count - 1 {
      output.byte(UInt8(ascii: ","))
      column += 1
    }
  }

  private func text(_ bytes: RawSpan, _ member: MessageLayout.Member) -> String {
    switch member.type {
    case 9: bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    case 11: valueText(.nested(stream.types[member.typeName]?.decode(bytes, types: stream.types, depth: 1) ?? []))
    default: valueText(.bytes(count: bytes.byteCount))
    }
  }

  private func addGathered(_ payload: RawSpan, _ layout: MessageLayout) {
    let fields = layout.decode(payload, types: stream.types)
    let values = Dictionary(fields.map { ($0.name, valueText($0.value)) }) { first, _ in first }
    for member in layout.members {
      output.byte(UInt8(ascii: ","))
      output.text(Self.cell(values[member.name] ?? ""))
    }
  }

  private static func cell(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 10 || $0 == 13 }) else {
      return text
    }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}
