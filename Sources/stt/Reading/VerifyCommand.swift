import ArgumentParser
import Glibc
import STC
import STTJSON
import STTKeyring
import STTRecord
import STTRecorder

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks every byte of a recording against its checksums, and every stream for missing messages.",
    discussion: """
      Plain recordings detect damage, not forgery: whoever can write the file can write its checksums. Sealed ones
      carry a chain of hashes, within a segment and from each segment to the next. With a key, verification shows that
      every batch is what was sealed in its place and that the end is the true one; with --keys also that the newest
      segment is there; with --recipient-key that nobody rewrote the chain who took the collector later. Without any
      key it shows that the chain is whole. --anchor shows, with or without keys, that everything is there up to what
      a device was told was on the disk. Segments that the catalogue in the recordings' root names have to be there.

      Exit codes: 0 intact; 3 truncated (the end is missing, as after a power cut; the collector mends that at its \
      next start); 4 altered; 5 the recording and --account differ; 6 a segment is missing; 7 a key is missing (the \
      chain is whole, the content unchecked); 2 it can't be read.
      """)

  @Argument(help: "A .mcap file, a device's folder, or the recordings' root.")
  var recording: String

  @Option(help: "text or json (one object with `verdict`).")
  var format = OutputFormat.text

  @Option(
    help: ArgumentHelp(
      "Compare with what the agent wrote by --account: counts and SHA-256 of every stream.", valueName: "file"))
  var account: String?

  @Option(
    help: ArgumentHelp(
      "Check against what a device was told when its messages were acknowledged as durable: the file `anchors` in its agent's state directory. A recording that was rolled back or cut since lacks that state.",
      valueName: "file"))
  var anchor: [String] = []

  @OptionGroup var keys: KeyOptions

  func run() throws {
    var book = RecordedAccount()
    var anchorCount = 0
    var summary: RecordingSummary
    let expected: [RecordedAccount.Line]?
    do {
      expected = try account.map { try RecordedAccount.read($0) }
      var noting: ((borrowing RecordedMessage, RecordedChannel, Int) -> Void)?
      if expected != nil {
        noting = { (message: borrowing RecordedMessage, channel: RecordedChannel, _: Int) in
          guard let incarnation = channel.metadata["stt.incarnation"] else { return }
          book.note(RecordedAccount.Key(stream: channel.topic, incarnation: incarnation), message.payload)
        }
      }
      let anchors = try anchor.flatMap { try RecordingAnchors(path: $0).anchors }
      let check = anchors.isEmpty ? nil : AnchorCheck(anchors.map(\.head))
      summary = try RecordingSummary(
        try RecordingFiles.tracks(at: recording), keys: try keys.sources(), newest: newest, anchors: check,
        progress: Self.showProgress, message: noting)
      summary.lack(
        anchors.filter { check?.isMissing($0.head) ?? false }.map {
          "\($0.folder): the state its device was told of at \(timeText($0.seconds &* 1_000_000_000)) is missing: the recording was rolled back, cut or made anew since (head \(Digits.text(Array($0.head.prefix(8))))…)"
        })
      summary.lack(CatalogueWitness.missing(below: recording))
      anchorCount = anchors.count
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
    Self.endProgress()
    if anchorCount > 0, summary.missing.isEmpty, summary.verdict != .altered, format == .text {
      output("\(anchorCount) state(s) that devices were told of are there\n")
    }
    let differences = expected.map { book.differences(from: $0) } ?? []
    if format == .json {
      output(json(summary, differences).text + "\n")
    } else {
      tell(summary, differences)
    }
    switch summary.verdict {
    case .truncated: throw ExitCode(3)
    case .altered: throw ExitCode(4)
    case .incomplete: throw ExitCode(6)
    case .locked: throw ExitCode(7)
    case .intact: if !differences.isEmpty { throw ExitCode(5) }
    }
  }

  /// What the keystores given remember of a folder's newest segment.
  private func newest(_ folder: String) -> ChainHead? {
    let name = folder.split(separator: "/").suffix(2).joined(separator: "/")
    for store in keys.keystores {
      if let text = (try? store.head(name)).flatMap({ $0 }), let head = ChainHead(text: text) { return head }
    }
    return nil
  }

  private func tell(_ summary: RecordingSummary, _ differences: [String]) {
    let messages = summary.files.reduce(0) { $0 + $1.report.messageCount }
    output("\(summary.verdict.rawValue): \(summary.files.count) file(s), \(messages) messages\n")
    for file in summary.files {
      if let damage = file.report.damage {
        output("  \(file.path): \(file.report.verdict.rawValue) \(damage)\n")
        if let last = file.report.channels.map(\.lastLogTime).max() {
          output("    whole up to byte \(file.report.soundByteCount), received by \(timeText(last))\n")
        }
      }
    }
    for file in summary.files {
      for note in file.report.metadata where note.name == SealNote.recoveryName {
        guard let aside = note.entries[SealNote.setAsideKey] else { continue }
        output(
          "  \(file.path): found damaged after a crash, \(note.entries["reason"] ?? ""); \(note.entries["cut_bytes"] ?? "some") bytes from byte \(note.entries["kept_bytes"] ?? "?") on are kept in \(aside)\n"
        )
      }
    }
    for line in summary.discontinuities + summary.missing + summary.removals { output("  \(line)\n") }
    tellSeals(summary)
    if account != nil {
      output(differences.isEmpty ? "the agent's account agrees: every message, every byte\n" : "")
      for line in differences { output("  \(line)\n") }
    }
  }

  private func tellSeals(_ summary: RecordingSummary) {
    let sealed = summary.files.filter { $0.report.seal != nil }
    guard !sealed.isEmpty else { return }
    let seals = sealed.compactMap(\.report.seal)
    output("  sealed: \(sealed.count) file(s), \(seals.reduce(0) { $0 + $1.count }) seals in the chain\n")
    let unattested = seals.count { !$0.isAttested }
    output(
      unattested == 0
        ? "  every seal's code is right: nobody rewrote the chain afterwards\n"
        : "  \(unattested) file(s) without codes checked: that takes a recipient when they were made, and its --recipient-key\n"
    )
    let recovered = seals.count(where: \.isRecovered)
    if recovered > 0 {
      output("  \(recovered) file(s) ended by recovery after a crash: what came after their last seal is lost\n")
    }
    if let locked = sealed.first(where: { !$0.report.isOpened }) {
      output("\(SegmentLocked(path: locked.path, slots: locked.report.seal?.note.slots ?? []))\n")
    }
  }

  private func json(_ summary: RecordingSummary, _ differences: [String]) -> JSONObject {
    var root = JSONObject()
    root.set("verdict", summary.verdict.rawValue)
    root.set("messages", summary.files.reduce(0) { $0 + $1.report.messageCount })
    root.set("bytes", summary.files.reduce(0) { $0 + $1.byteCount })
    if account != nil { root.set("accountAgrees", differences.isEmpty) }
    root.set(
      "files",
      summary.files.map { file in
        var object = JSONObject()
        object.set("path", file.path)
        object.set("verdict", file.report.verdict.rawValue)
        object.set("messages", file.report.messageCount)
        object.set("soundBytes", file.report.soundByteCount)
        if let seal = file.report.seal {
          object.set("seals", seal.count)
          object.set("chainHead", Digits.text(seal.head))
          object.set("opened", seal.isOpened)
          object.set("attested", seal.isAttested)
        }
        if let damage = file.report.damage {
          object.set("damageAtByte", damage.offset)
          object.set("damage", damage.what)
        }
        return object
      })
    root.set(
      "problems",
      (summary.discontinuities + summary.missing + differences).map { line in
        var object = JSONObject()
        object.set("text", line)
        return object
      })
    return root
  }

  private static func showProgress(_ done: UInt64, _ total: UInt64) {
    guard isatty(2) == 1, total > 64 << 20 else { return }
    let share = Double(done) / Double(total)
    let filled = Int(share * 40)
    writeToStandardError(
      "\r[\(String(repeating: "#", count: filled))\(String(repeating: ".", count: 40 - filled))] \(Int(share * 100)) %")
  }

  private static func endProgress() {
    if isatty(2) == 1 { writeToStandardError("\r\u{1B}[K") }
  }
}

/// Counts and digests by stream, as the agent's account has them. An account speaks of one run of the
/// agent, whatever else the recording holds.
struct RecordedAccount {
  struct Key: Hashable {
    var stream: String
    var incarnation: String
  }

  struct Line: Equatable {
    var key: Key
    var messages: UInt64
    var digest: String
  }

  struct Malformed: Error, CustomStringConvertible {
    let path: String
    let line: Int
    var description: String { "\(path):\(line): this is no line of an account that stt-agent --account wrote" }
  }

  private var counts: [Key: UInt64] = [:]
  private var digests: [Key: RunningDigest] = [:]

  mutating func note(_ key: Key, _ payload: RawSpan) {
    counts[key, default: 0] += 1
    digests[key, default: RunningDigest()].update(payload)
  }

  func differences(from expected: [Line]) -> [String] {
    var lines: [String] = []
    for line in expected {
      let count = counts[line.key] ?? 0
      if count != line.messages {
        lines.append("\(line.key.stream): the agent sent \(line.messages) messages, the recording has \(count)")
      } else if count > 0, digits(digests[line.key]?.value ?? []) != line.digest {
        lines.append("\(line.key.stream): the payloads differ from what the agent sent")
      }
    }
    let runs = Set(expected.map(\.key.incarnation))
    for key in counts.keys.sorted(by: { $0.stream < $1.stream })
    where runs.contains(key.incarnation) && !expected.contains(where: { $0.key == key }) {
      lines.append("\(key.stream): recorded, but the agent's account doesn't have it")
    }
    return lines
  }

  static func read(_ path: String) throws -> [Line] {
    guard let file = fopen(path, "r") else { throw AccountUnreadable(path: path, number: errno) }
    defer { fclose(file) }
    var lines: [Line] = []
    var buffer = [CChar](repeating: 0, count: 4096)
    while fgets(&buffer, CInt(buffer.count), file) != nil {
      let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard let stream = value("stream", in: text), let incarnation = value("incarnation", in: text),
        let messages = value("messages", in: text).flatMap({ UInt64($0) }),
        let digest = value("sha256", in: text)
      else { throw Malformed(path: path, line: lines.count + 1) }
      lines.append(Line(key: Key(stream: stream, incarnation: incarnation), messages: messages, digest: digest))
    }
    return lines
  }

  /// The account is ours: flat objects whose texts need no escapes.
  private static func value(_ key: String, in line: String) -> String? {
    guard let start = line.firstRange(of: "\"\(key)\":") else { return nil }
    let rest = line[start.upperBound...]
    if rest.first == "\"" { return String(rest.dropFirst().prefix { $0 != "\"" }) }
    return String(rest.prefix { $0.isNumber })
  }

  private func digits(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

struct AccountUnreadable: Error, CustomStringConvertible {
  let path: String
  let number: CInt
  var description: String { "cannot read the account \(path): \(String(cString: strerror(number)))" }
}
