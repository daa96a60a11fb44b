import ArgumentParser
import STTKeyring

/// `stt seed verify FILE`: every check a program makes before it uses a pair.
struct SeedVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check a pair file and print its fingerprint.",
    discussion: """
      Checks that the file is a regular file that only its owner can open, that nothing in it was
      lost or mistyped, and that the seed can have come from a random generator. Run it on both ends:
      the same four words mean the same pair.

      Exit codes: 0 usable, 65 no usable pair, 66 unreadable, 77 open to others.
      """)

  @Argument(help: "A path, or file:, credential:, fd: or env: as in a configuration.")
  var file: PairArgument

  func run() throws {
    let pair = try file.load()
    print("\(file.reference): usable, device \"\(pair.name)\", epoch \(pair.epoch)")
    if let next = pair.next {
      print("epoch \(next.number) waits for its first handshake: compare its words with `stt seed epochs \(file.reference)`")
    }
    print("fingerprint  \(try fingerprintWords(of: pair))")
  }
}
