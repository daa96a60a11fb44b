import Glibc
import STTSample

/// `2026-11-23T19:06:00.123456Z`.
func timeText(_ nanoseconds: UInt64) -> String {
  var seconds = time_t(clamping: nanoseconds / 1_000_000_000)
  var parts = tm()
  gmtime_r(&seconds, &parts)
  func padded(_ value: Int, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
  let date = "\(1900 + Int(parts.tm_year))-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
  let time = "\(padded(Int(parts.tm_hour), 2)):\(padded(Int(parts.tm_min), 2)):\(padded(Int(parts.tm_sec), 2))"
  return "\(date)T\(time).\(padded(Int(nanoseconds % 1_000_000_000 / 1000), 6))Z"
}

/// `12.3 MiB`.
func sizeText(_ byteCount: UInt64) -> String {
  var value = Double(byteCount)
  for unit in ["B", "KiB", "MiB", "GiB"] {
    if value < 1024 { return unit == "B" ? "\(byteCount) B" : "\(rounded(value, 1)) \(unit)" }
    value /= 1024
  }
  return "\(rounded(value, 1)) TiB"
}

/// `12.3 s`, `4 min 05 s`, `3 h 12 min`.
func durationText(_ nanoseconds: UInt64) -> String {
  let seconds = nanoseconds / 1_000_000_000
  func two(_ value: UInt64) -> String { value < 10 ? "0\(value)" : "\(value)" }
  if seconds < 60 { return "\(rounded(Double(nanoseconds) / 1e9, 2)) s" }
  if seconds < 3600 { return "\(seconds / 60) min \(two(seconds % 60)) s" }
  return "\(seconds / 3600) h \(two(seconds / 60 % 60)) min"
}

func rounded(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite else { return "-" }
  let factor = pow(10, Double(digits))
  let scaled = (value * factor).rounded() / factor
  guard digits > 0 else { return String(Int64(clamping: Int64(scaled.rounded()))) }
  let text = "\(abs(scaled))"
  guard let dot = text.firstIndex(of: "."), !text.contains("e") else { return "\(scaled)" }
  let fraction = text[text.index(after: dot)...].prefix(digits)
  return (scaled < 0 ? "-" : "") + text[..<dot] + "." + fraction
    + String(repeating: "0", count: digits - fraction.count)
}

/// `left` to the width by spaces.
func column(_ text: String, _ width: Int, right: Bool = false) -> String {
  let space = String(repeating: " ", count: max(0, width - text.count))
  return right ? space + text : text + space
}

/// One value for a person.
func valueText(_ value: DecodedValue) -> String {
  switch value {
  case .number(let number): number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : "\(number)"
  case .integer(let number): "\(number)"
  case .unsigned(let number): "\(number)"
  case .flag(let flag): flag ? "true" : "false"
  case .text(let text): text
  case .bytes(let count): "<\(count) bytes>"
  case .nested(let fields): "{" + fields.map { "\($0.name)=\(valueText($0.value))" }.joined(separator: " ") + "}"
  }
}

/// Writes to standard output; a reader that went away ends the program quietly.
func output(_ text: String) {
  var bytes = Array(text.utf8)
  var done = 0
  while done < bytes.count {
    let count = bytes[done...].withUnsafeMutableBytes { write(1, $0.baseAddress, $0.count) }
    if count < 0 {
      if errno == EINTR { continue }
      exit(errno == EPIPE ? 0 : 1)
    }
    done += count
  }
}

var standardOutputIsTerminal: Bool { isatty(1) == 1 }
