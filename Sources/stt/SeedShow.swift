import ArgumentParser
import STTKeyring

/// `stt seed show FILE`: the public facts of a pair.
struct SeedShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show what a pair file says, without its seed.",
    discussion: """
      Exit codes: 0 done, 64 wrong usage, 65 no usable pair, 66 unreadable, 73 unwritable, 77 permissions.

      Prints the name, the epoch, the beginnings of both ids and the fingerprint. The seed itself is
      never printed; to carry it to another machine use the file, or `stt seed qr`.
      """)

  @Argument(help: "A path, or file:, credential:, fd: or env: as in a configuration.")
  var file: PairArgument

  @Option(help: "How to print: text, or json for one object.")
  var format: SeedOutputFormat = .text

  func run() throws {
    let pair = try file.load()
    let words = try fingerprintWords(of: pair)
    let (device, collector) = (shortID(pair.deviceID), shortID(pair.collectorID))
    switch format {
    case .text:
      print(
        """
        name         \(pair.name)
        epoch        \(pair.epoch)
        fingerprint  \(words)
        device id    \(device)…
        collector id \(collector)…
        """)
    case .json:
      // Every value is of a character set that JSON takes as it is.
      print(
        "{\"name\":\"\(pair.name)\",\"epoch\":\(pair.epoch),\"fingerprint\":\"\(words)\",\"deviceIDPrefix\":\"\(device)\",\"collectorIDPrefix\":\"\(collector)\"}"
      )
    }
  }

  /// The ids are secret as a whole, being part of what derives the keys; four bytes tell two apart.
  private func shortID(_ id: [UInt8]) -> String {
    id.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

/// The forms `seed show` prints in.
enum SeedOutputFormat: String, CaseIterable, ExpressibleByArgument {
  case text
  case json
}
