import ArgumentParser
import Glibc

/// Which part of a recording is asked for.
struct ReadSelection: Sendable {
  var from: RecordingTime?
  var until: RecordingTime?
  /// Nanoseconds from where it begins.
  var duration: UInt64?
  /// Names or patterns; empty: all.
  var streams: [String] = []

  /// A name asked for that no stream has.
  struct NoSuchStream: Error, CustomStringConvertible {
    let name: String
    let known: [String]
    var description: String {
      known.isEmpty
        ? "there is no stream \(name): nothing is recorded there in that time"
        : "there is no stream \(name) in that time; there are: \(known.joined(separator: ", "))"
    }
  }

  func wants(_ stream: PlayedStream) -> Bool {
    streams.isEmpty || streams.contains { Self.matches($0, stream) }
  }

  /// Throws when a name asked for matches none of `known`: somebody mistyped it.
  func check(_ known: [PlayedStream]) throws {
    for name in streams where !known.contains(where: { Self.matches(name, $0) }) {
      throw NoSuchStream(name: name, known: Array(Set(known.map(\.topic))).sorted())
    }
  }

  private static func matches(_ name: String, _ stream: PlayedStream) -> Bool { matches(name, topic: stream.topic) }

  /// Whether a name or pattern means this stream.
  static func matches(_ name: String, topic: String) -> Bool { name == topic || fnmatch(name, topic, 0) == 0 }
}

/// A moment in a recording: seconds after its first message, or a time of day.
enum RecordingTime: ExpressibleByArgument, Sendable {
  case after(nanoseconds: UInt64)
  case at(nanoseconds: UInt64)

  init?(argument: String) {
    if let seconds = Double(argument) {
      guard seconds >= 0, seconds < 1e9 else { return nil }
      self = .after(nanoseconds: UInt64(seconds * 1e9))
    } else {
      guard let time = Self.parse(argument) else { return nil }
      self = .at(nanoseconds: time)
    }
  }

  func time(_ origin: UInt64) -> UInt64 {
    switch self {
    case .after(let nanoseconds): origin.addingReportingOverflow(nanoseconds).overflow ? .max : origin + nanoseconds
    case .at(let nanoseconds): nanoseconds
    }
  }

  /// `2026-11-23T19:06:00.5Z`, with or without the fraction (RFC 3339, UTC).
  private static func parse(_ text: String) -> UInt64? {
    guard text.hasSuffix("Z") else { return nil }
    let whole = text.dropLast().split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let parts = whole[0].split(omittingEmptySubsequences: false) { "-T:".contains($0) }.map { Int($0) ?? -1 }
    guard whole[0].count == 19, parts.count == 6, (1970...2200).contains(parts[0]), (1...12).contains(parts[1]),
      (1...31).contains(parts[2]), (0...23).contains(parts[3]), (0...59).contains(parts[4]), (0...60).contains(parts[5])
    else { return nil }
    var fraction: UInt64 = 0
    if whole.count == 2 {
      guard (1...9).contains(whole[1].count), let value = UInt64(whole[1]) else { return nil }
      fraction = (whole[1].count..<9).reduce(value) { value, _ in value * 10 }
    }
    var time = tm()
    (time.tm_year, time.tm_mon, time.tm_mday) = (CInt(parts[0] - 1900), CInt(parts[1] - 1), CInt(parts[2]))
    (time.tm_hour, time.tm_min, time.tm_sec) = (CInt(parts[3]), CInt(parts[4]), CInt(parts[5]))
    return UInt64(timegm(&time)) * 1_000_000_000 + fraction
  }
}

/// The options by which a command reads a part of a recording.
struct SelectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Begin there: seconds after the recording's start, or a time such as 2026-11-23T19:06:00Z.", valueName: "time"))
  var from: RecordingTime?
  @Option(help: ArgumentHelp("End before that time, in the same forms.", valueName: "time"))
  var until: RecordingTime?
  @Option(help: ArgumentHelp("Take so many seconds from where it begins.", valueName: "seconds"))
  var `for`: Double?
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Only these streams; * and ? stand for any characters.", valueName: "names"))
  var streams: [String] = []

  func validate() throws {
    if let seconds = self.for, !(seconds > 0 && seconds < 1e9) {
      throw ValidationError("--for is above 0 seconds, not \(seconds)")
    }
  }

  var selection: ReadSelection {
    ReadSelection(from: from, until: until, duration: self.for.map { UInt64($0 * 1e9) }, streams: streams)
  }
}
