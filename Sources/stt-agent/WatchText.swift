import STTAgentRuntime
import STTSample

/// What was seen, as words.
enum WatchText {
  /// A line for one sight: seconds of the monotonic clock, stream, values with units.
  static func line(_ sight: SourceWatch.Sight) -> String {
    switch sight {
    case .message(let stream, let time, let fields):
      let values = fields.filter(\.isShown).map { "\($0.name)=\(value($0.value))\(unit($0.unit))" }
      return "\(seconds(time)) \(stream.name) \(values.joined(separator: " "))"
    case .bytes(let stream, let time, let bytes): return "\(seconds(time)) \(stream.name) \(text(bytes))"
    case .event(let stream, let event): return "\(stream.name): \(self.event(event))"
    }
  }

  static func event(_ event: SourceEvent) -> String {
    switch event {
    case .gap(let count, let reason): "\(count == 0 ? "some" : "\(count)") missing: \(reason)"
    case .unavailable(let reason): reason
    case .available: "works again"
    case .finished: "read to its end"
    }
  }

  static func value(_ value: DecodedValue) -> String {
    switch value {
    case .number(let number): self.number(number)
    case .integer(let number): "\(number)"
    case .unsigned(let number): "\(number)"
    case .flag(let flag): flag ? "yes" : "no"
    case .text(let text): printable(text)
    case .bytes(let count): "\(count) bytes"
    case .nested: "…"
    }
  }

  /// Five significant digits or so: a plot's reader compares, and the recording has them all.
  static func number(_ number: Double) -> String {
    guard number.isFinite, abs(number) < 1e15 else { return "\(number)" }
    if number == number.rounded(), abs(number) < 1e9 { return "\(Int64(number))" }
    var scale = 1.0
    while abs(number) * scale < 10_000, scale < 1e12 { scale *= 10 }
    return "\((number * scale).rounded() / scale)"
  }

  static func unit(_ unit: String) -> String { unit.isEmpty || unit == "1" ? "" : " \(unit)" }

  static func seconds(_ time: SampleTime) -> String {
    let thousandths = time.monotonicNanoseconds / 1_000_000
    let rest = "\(thousandths % 1000)"
    return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
  }

  /// What a device wrote must not steer the terminal.
  static func printable(_ text: String) -> String {
    String(text.unicodeScalars.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? "·" : Character($0) })
  }

  static func text(_ bytes: [UInt8]) -> String {
    if let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: { $0.value == 0 }) {
      return printable(text)
    }
    let digits = Array("0123456789abcdef")
    return bytes.prefix(32).map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined(separator: " ")
      + (bytes.count > 32 ? " …" : "")
  }
}

extension DecodedField {
  /// A picture's own time is that of its message.
  var isShown: Bool { if case .nested = value { false } else { true } }

  /// What can be plotted.
  var number: Double? {
    switch value {
    case .number(let number): number.isFinite ? number : nil
    case .integer(let number): Double(number)
    case .unsigned(let number): Double(number)
    case .flag(let flag): flag ? 1 : 0
    case .bytes(let count): Double(count)
    case .text, .nested: nil
    }
  }
}
