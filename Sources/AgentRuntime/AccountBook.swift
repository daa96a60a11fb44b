import STC
import STTSample
import STTSession

/// What the agent sent, stream by stream, so that a recording can be held against it: the count of
/// messages and a running SHA-256 over their payloads.
///
/// Kept only when asked for (`--account FILE`): hashing costs as much as sealing.
struct AccountBook {
  struct Line {
    var name: String
    var count: UInt64 = 0
    var byteCount: UInt64 = 0
    var digest = RunningDigest()
  }

  private(set) var lines: [Line] = []

  /// Which run of the agent this is the account of (docs/recording.md).
  private let incarnation: UInt64

  init(incarnation: UInt64) { self.incarnation = incarnation }

  mutating func add(_ name: String) { lines.append(Line(name: name)) }

  mutating func note(_ stream: Int, _ payload: RawSpan) {
    lines[stream].count += 1
    lines[stream].byteCount += UInt64(payload.byteCount)
    lines[stream].digest.update(payload)
  }

  /// A payload in two pieces.
  mutating func note(_ stream: Int, head: RawSpan, body: RawSpan) {
    lines[stream].count += 1
    lines[stream].byteCount += UInt64(head.byteCount + body.byteCount)
    lines[stream].digest.update(head)
    lines[stream].digest.update(body)
  }

  /// One JSON object a line: `{"stream":…,"incarnation":…,"messages":…,"bytes":…,"sha256":…}`.
  var text: String {
    lines.map { line in
      "{\"stream\":\"\(line.name)\",\"incarnation\":\(incarnation),\"messages\":\(line.count),\"bytes\":\(line.byteCount),\"sha256\":\"\(hexadecimal(line.digest.value))\"}\n"
    }.joined()
  }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
