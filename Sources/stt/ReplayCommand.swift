import ArgumentParser
import Glibc
import LinuxEvents
import STTJSON
import STTRecord
import STTSample

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Plays a recording back in its own time, all streams merged.",
    discussion: """
      Examples:
        stt replay recordings/greenhouse-1                     as it happened
        stt replay recordings --fast --format ndjson | jq .    as fast as it can be read
        stt replay recordings --streams system/load --speed 10

      NDJSON tells of every message when the collector received it, its own times on the device's two clocks, and
      how far the device's wall clock stood from the collector's (device minus collector) and how sure that is.

      Exit codes: 0 played to the end; 3 a file was damaged and its whole part was played; 2 it can't be read, or is sealed and no key
      given opens it.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, ndjson }

  @Argument(help: "A .mcap file, a device's folder, or the recordings' root.")
  var recording: String
  @Option(help: "text or ndjson.")
  var format = Format.text
  @Option(help: "How many times faster than it happened.")
  var speed = 1.0
  @Flag(help: "Don't wait between messages.")
  var fast = false
  @Option(help: ArgumentHelp("Begin so many seconds after the recording's start.", valueName: "seconds"))
  var from = 0.0
  @Option(help: ArgumentHelp("Play so many seconds.", valueName: "seconds"))
  var `for`: Double?
  @Option(parsing: .upToNextOption, help: "Only these streams.")
  var streams: [String] = []
  @OptionGroup var keys: KeyOptions

  func validate() throws {
    guard speed > 0, speed <= 1_000_000 else { throw ValidationError("--speed is above 0, not \(speed)") }
    guard from >= 0, from < 1e9 else { throw ValidationError("--from is at least 0, not \(from)") }
    if let seconds = self.for, !(seconds > 0) { throw ValidationError("--for is above 0, not \(seconds)") }
  }

  func run() throws {
    do {
      var reader = MergedReader(try RecordingFiles.tracks(at: recording), keys: try keys.sources())
      try play(&reader)
      for (path, what) in reader.damage { writeToStandardError("\(path): \(what)\n") }
      if !reader.damage.isEmpty { throw ExitCode(3) }
    } catch let code as ExitCode {
      throw code
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
  }

  private func play(_ reader: inout MergedReader) throws {
    let wanted = Set(streams)
    var origin: UInt64?
    var begin: (media: UInt64, clock: UInt64)?
    while let (message, fields) = try reader.next() {
      let start = origin ?? message.logTime
      origin = start
      let since = Double(message.logTime &- start) / 1e9
      guard since >= from else { continue }
      if let seconds = self.for, since > from + seconds { break }
      guard wanted.isEmpty || wanted.contains(message.channel.topic) else { continue }
      if !fast {
        let first = begin ?? (message.logTime, Clocks.monotonic)
        begin = first
        let ahead = Double(message.logTime >= first.media ? message.logTime - first.media : 0) / speed
        waitUntil(first.clock &+ UInt64(min(ahead, 9e18)))
      }
      output(
        format == .ndjson ? Self.json(message, fields, reader.clock(of: message)).text + "\n" : Self.line(message, fields))
    }
  }

  private func waitUntil(_ nanoseconds: UInt64) {
    var time = timespec(
      tv_sec: time_t(clamping: nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
  }

  private static func line(_ message: ReadMessage, _ fields: [DecodedField]?) -> String {
    let values =
      fields.map { fields in
        fields.map { "\($0.name)=\(valueText($0.value))\($0.unit.isEmpty || $0.unit == "1" ? "" : " " + $0.unit)" }
          .joined(separator: "  ")
      } ?? "<\(message.payload.count) bytes>"
    return "\(timeText(message.publishTime))  \(column(message.channel.topic, 20))  #\(message.identity.number)  \(values)\n"
  }

  static func json(_ message: ReadMessage, _ fields: [DecodedField]?, _ clock: RecordedClock?) -> JSONObject {
    var object = JSONObject()
    object.set("stream", message.channel.topic)
    object.set("device", message.channel.metadata["stt.device"] ?? "")
    object.set("message", message.identity.number)
    object.set("receivedNanoseconds", message.logTime)
    object.set("publishedNanoseconds", message.publishTime)
    object.set("deviceMonotonicNanoseconds", message.identity.deviceTime.monotonicNanoseconds)
    object.set("deviceWallNanoseconds", message.identity.deviceTime.wallNanoseconds)
    if let clock {
      object.set("deviceClockOffsetNanoseconds", clock.offset)
      object.set("deviceClockUncertaintyNanoseconds", clock.uncertainty)
    }
    object.set("bytes", message.payload.count)
    if let fields { object.set("fields", json(fields)) }
    return object
  }

  private static func json(_ fields: [DecodedField]) -> JSONObject {
    var object = JSONObject()
    for field in fields {
      switch field.value {
      case .number(let value): object.set(field.name, value)
      case .integer(let value): object.set(field.name, value)
      case .unsigned(let value): object.set(field.name, value)
      case .flag(let value): object.set(field.name, value)
      case .text(let value): object.set(field.name, value)
      case .bytes(let count): object.set(field.name, "<\(count) bytes>")
      case .nested(let inner): object.set(field.name, json(inner))
      }
    }
    return object
  }
}
