import ArgumentParser
import STC
import STTKeyring
import STTRecord
import STTRecorder

/// The keys by which sealed recordings are read.
struct KeyOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A collector's keystore: the directory `keys` in its state directory. May be given several times.",
      valueName: "directory"))
  var keys: [String] = []

  @Option(
    help: ArgumentHelp("The pair of a device: opens what was recorded under any of its seeds.", valueName: "file"))
  var pair: [PairArgument] = []

  @Option(
    help: ArgumentHelp("A recipient's private key, made by `stt recipient new`.", valueName: "file"))
  var recipientKey: [String] = []

  var keystores: [RecordingKeystore] { keys.map { RecordingKeystore($0) } }

  func sources() throws -> KeySources {
    let keystores = keystores
    var collectors: [[UInt8]] = []
    for store in keystores {
      _ = try store.days()
      if let key = try store.collectorKey(creating: false) { collectors.append(key) }
    }
    var seeds: [SlotKey] = []
    for argument in pair {
      seeds += try argument.load().recordKeys().map { SlotKey(seed: $0.key) }
    }
    var recipients: [RecipientKey] = []
    for path in recipientKey {
      guard let key = RecipientKey(seed: try RecipientFile.privateKey(path)) else {
        throw RecipientFlaw(path: path, what: "it is no recipient's private key")
      }
      recipients.append(key)
    }
    return KeySources(
      days: { day in
        keystores.compactMap { (try? $0.dayKey(day, creating: false)).flatMap { $0 }.map { SlotKey(day: $0) } }
      }, seeds: seeds, recipients: recipients, collectors: collectors)
  }
}

/// A sealed segment and no key for it.
struct SegmentLocked: Error, CustomStringConvertible {
  let path: String
  let slots: [String]

  var description: String {
    let ways = slots.map { slot in
      if slot.hasPrefix("day ") { return "\(slot): --keys STATE/keys of its collector, unless that day was shredded" }
      if slot.hasPrefix("seed ") { return "\(slot): --pair FILE of its device, with that epoch in it" }
      return "\(slot): --recipient-key FILE"
    }
    return "\(path) is sealed, and no key given opens it. It opens with one of:\n  \(ways.joined(separator: "\n  "))"
  }
}
