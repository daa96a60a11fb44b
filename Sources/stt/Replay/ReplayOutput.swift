import STTRecord
import STTSample

/// Where a replay goes.
protocol ReplayOutput: AnyObject {
  func play(_ message: PlayedMessage) throws
  /// Nothing is due for a while: what was gathered goes out. `state` says how the replay stands.
  func rest(_ state: ReplayState) throws
  /// Ends; sentences for the person who watches.
  func finish() throws -> [String]
}

/// How a replay stands.
struct ReplayState {
  /// Receive time of the message played last.
  var media: UInt64
  var speed: Double
  var isPaused: Bool
}

/// A line of text for each message.
final class TextOutput: ReplayOutput {
  private let output = ByteOutput()

  func play(_ message: PlayedMessage) throws {
    output.time(message.publishTime)
    output.text("  \(column(message.stream.topic, 20))  #\(message.identity.number)  \(Self.values(message))\n")
    try output.check()
  }

  static func values(_ message: PlayedMessage) -> String {
    guard let fields = message.stream.decode(message.payload.span.bytes) else { return "<\(message.payload.count) bytes>" }
    return fields.map { "\($0.name)=\(valueText($0.value))\($0.unit.isEmpty || $0.unit == "1" ? "" : " " + $0.unit)" }
      .joined(separator: "  ")
  }

  func rest(_ state: ReplayState) throws { try output.flush() }

  func finish() throws -> [String] {
    try output.flush()
    return []
  }
}

/// A JSON object for each message.
final class NDJSONOutput: ReplayOutput {
  private let output: ByteOutput
  private let lines: MessageLines

  init(_ output: ByteOutput = ByteOutput()) {
    self.output = output
    lines = MessageLines(to: output)
  }

  func play(_ message: PlayedMessage) throws {
    message.withRecorded { lines.add($0, message.stream, message.clock) }
    try output.check()
  }

  func rest(_ state: ReplayState) throws { try output.flush() }

  func finish() throws -> [String] {
    try output.flush()
    return []
  }
}

/// Length-delimited Protocol Buffers messages (docs/recording.md, Replay): a varint with the length before each.
final class DelimitedOutput: ReplayOutput {
  private let output = ByteOutput()
  /// All fields but the payload's bytes.
  private var head: [UInt8] = []

  func play(_ message: PlayedMessage) throws {
    head.removeAll(keepingCapacity: true)
    text(message.stream.topic, field: 1)
    text(message.stream.device, field: 2)
    tag(3, wireType: 0)
    varint(message.identity.number)
    fixed(message.logTime, field: 4)
    fixed(message.publishTime, field: 5)
    fixed(message.identity.deviceTime.monotonicNanoseconds, field: 6)
    fixed(message.identity.deviceTime.wallNanoseconds, field: 7)
    text(message.stream.key.schema?.name ?? "", field: 8)
    tag(9, wireType: 2)
    varint(UInt64(message.payload.count))
    let content = head
    head.removeAll(keepingCapacity: true)
    varint(UInt64(content.count + message.payload.count))
    for part in [head, content, message.payload] { part.withUnsafeBytes { output.bytes($0) } }
    try output.check()
  }

  private func tag(_ field: Int, wireType: UInt64) { varint(UInt64(field) << 3 | wireType) }

  private func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      head.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    head.append(UInt8(truncatingIfNeeded: rest))
  }

  private func fixed(_ value: UInt64, field: Int) {
    tag(field, wireType: 1)
    withUnsafeBytes(of: value.littleEndian) { head.append(contentsOf: $0) }
  }

  private func text(_ value: String, field: Int) {
    tag(field, wireType: 2)
    varint(UInt64(value.utf8.count))
    head.append(contentsOf: value.utf8)
  }

  func rest(_ state: ReplayState) throws { try output.flush() }

  func finish() throws -> [String] {
    try output.flush()
    return []
  }
}
