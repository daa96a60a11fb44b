import ArgumentParser
import Glibc
import STC
import STTKeyring
import STTRecord
import STTRecorder

struct ShredCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shred",
    abstract: "Erases days of recordings, wherever copies of them lie, by destroying the keys of those days.",
    discussion: """
      Examples:
        stt shred --keys /var/lib/stt/collector/keys --day 2026-11-23
        stt shred --keys /var/lib/stt/collector/keys --before 2026-11-01 --recordings /var/lib/stt/recordings
        stt shred --keys /var/lib/stt/collector/keys --verify /var/lib/stt/collector/keys/receipt-2026-11-23

      Each day erased leaves a receipt that names its key by an identifier, which the segments of that day carry. With
      --recordings the segments of erased days are looked at: those with other slots (a device's seed, a recipient) are
      named, because those still open them. Backups of the keystore still hold the key: erase them too.
      A day is erased once it is over; a segment begun before midnight belongs to the day it was begun.

      Exit codes: 0 erased, or the receipt verifies; 1 nothing to erase; 3 erased, but other slots still open segments; \
      4 the receipt does not verify; 64 wrong usage; 73 a key can't be erased.
      """)

  @Option(help: ArgumentHelp("The collector's keystore.", valueName: "directory"))
  var keys: String
  @Option(help: ArgumentHelp("Erase this day, such as 2026-11-23 (UTC).", valueName: "day"))
  var day: String?
  @Option(help: ArgumentHelp("Erase every day before this one.", valueName: "day"))
  var before: String?
  @Option(help: ArgumentHelp("Where recordings lie, to tell what still opens.", valueName: "directory"))
  var recordings: String?
  @Option(help: ArgumentHelp("Check a receipt.", valueName: "receipt"))
  var verify: String?

  func validate() throws {
    guard [day, before, verify].count(where: { $0 != nil }) == 1 else {
      throw ValidationError("give one of --day, --before and --verify")
    }
    for text in [day, before] {
      if let text, !RecordingKeystore.isDay(text) { throw ValidationError("a day is written like 2026-11-23, not \(text)") }
    }
  }

  func run() throws {
    let store = RecordingKeystore(keys)
    do {
      if let verify {
        try check(verify, store)
        return
      }
      let today = String(timeText(UInt64(time(nil)) * 1_000_000_000).prefix(10))
      var chosen: [String] = []
      if let day { chosen = [day] }
      if let before { chosen = try store.days().filter { $0 < before } }
      if let late = chosen.first(where: { $0 >= today }) {
        throw ValidationError("\(late) is not over: what is being recorded is still under its key")
      }
      var erased: Set<String> = []
      for day in chosen {
        guard let key = try store.dayKey(day, creating: false) else { continue }
        let receipt = ShredReceipt(
          day: day, key: SlotKey(day: key).identifier, time: timeText(UInt64(time(nil)) * 1_000_000_000))
        guard try store.shred(day) else { continue }
        let path = "\(keys)/receipt-\(day)"
        try store.keepReceipt(day, receipt.text)
        erased.insert(day)
        output("\(day): erased; receipt \(path)\n")
      }
      if erased.isEmpty {
        writeToStandardError("stt shred: \(keys) has no key of that time\n")
        throw ExitCode(1)
      }
      if try stillOpen(erased) { throw ExitCode(3) }
    } catch let error as StateError {
      writeToStandardError("stt shred: \(error)\n")
      throw ExitCode(73)
    }
  }

  /// Names segments of erased days that another slot opens.
  private func stillOpen(_ days: Set<String>) throws -> Bool {
    guard let recordings else { return false }
    var found = false
    for path in try RecordingFiles.tracks(at: recordings).flatMap(\.files) {
      guard let slots = try SealedSlots.of(path)?.slots, slots.contains(where: { days.contains(String($0.dropFirst(4))) })
      else { continue }
      let others = slots.filter { !$0.hasPrefix("day ") }
      if !others.isEmpty {
        found = true
        output("\(path): still opens with \(others.joined(separator: ", "))\n")
      }
    }
    return found
  }

  private func check(_ path: String, _ store: RecordingKeystore) throws {
    guard let receipt = ShredReceipt(text: try readText(path)) else {
      writeToStandardError("stt shred: \(path) is no receipt, or was altered\n")
      throw ExitCode(4)
    }
    if let key = try store.dayKey(receipt.day, creating: false), SlotKey(day: key).identifier == receipt.key {
      writeToStandardError("stt shred: the key of \(receipt.day) is still in \(keys)\n")
      throw ExitCode(4)
    }
    output("\(receipt.day): its key \(Digits.text(receipt.key)) was erased at \(receipt.time) and is not in \(keys)\n")
    guard let recordings else { return }
    let mark = Digits.text(receipt.key)
    var count = 0
    for file in try RecordingFiles.tracks(at: recordings).flatMap(\.files) {
      if let note = try SealedSlots.of(file), note.entries["slot day \(receipt.day)"]?.hasPrefix(mark) == true { count += 1 }
    }
    output("\(count) segment(s) in \(recordings) were sealed under that key\n")
  }

  private func readText(_ path: String) throws -> String {
    guard let file = fopen(path, "r") else { throw RecorderError(doing: "read the receipt", path: path, number: errno) }
    defer { fclose(file) }
    var text = [UInt8](repeating: 0, count: 4096)
    let count = fread(&text, 1, text.count, file)
    return String(decoding: text[..<count], as: UTF8.self)
  }
}

/// What remains of a day's key: enough to recognize it by, and nothing that opens.
struct ShredReceipt: Equatable {
  var day: String
  /// 16 bytes, which slots carry too.
  var key: [UInt8]
  var time: String

  init(day: String, key: [UInt8], time: String) {
    self.day = day
    self.key = key
    self.time = time
  }

  private var body: String { "stt-shred = 1\nday = \(day)\nkey = \(Digits.text(key))\ntime = \(time)\n" }

  var text: String { body + "check = \(Digits.text(digest(Array(body.utf8))))\n" }

  /// `nil` unless the text is a whole receipt.
  init?(text: String) {
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") {
      guard let equals = line.firstRange(of: " = ") else { return nil }
      values[String(line[..<equals.lowerBound])] = String(line[equals.upperBound...])
    }
    guard let day = values["day"], let key = values["key"].flatMap({ Digits.bytes($0) }), let time = values["time"] else {
      return nil
    }
    self.init(day: day, key: key, time: time)
    guard self.text == text else { return nil }
  }
}
