import ArgumentParser
import Glibc
import STC
import STTKeyring
import STTRecord

/// `stt recipient …`: keys of those who may read recordings that the collector itself can't.
struct RecipientCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipient",
    abstract: "Make a key by which an auditor reads sealed recordings, also those a collector can only write.",
    discussion: """
      The private key stays with the auditor, best offline; the public one is named in the collector's configuration:
        stt recipient new --out auditor              makes auditor.key and auditor.pub
        [recording]
        recipients = ["/etc/stt/auditor.pub"]
        seal = "sealed"
        seal_to = ["recipients"]                      the collector then can't read what it records
      Later, with the private key at hand:
        stt verify RECORDING --recipient-key auditor.key

      Exit codes: 0 done, 64 wrong usage, 65 the file is no such key, 66 it cannot be read, 73 it cannot be written.
      """,
    subcommands: [RecipientNew.self, RecipientShow.self])
}

struct RecipientNew: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Make a recipient's key (X-Wing: ML-KEM-768 with X25519).",
    discussion: "Exit codes: 0 done, 64 wrong usage, 73 a file exists already or cannot be written.")

  @Option(name: [.short, .long], help: ArgumentHelp("Writes NAME.key and NAME.pub.", valueName: "name"))
  var out = "recipient"

  func run() throws {
    var seed = [UInt8](repeating: 0, count: 32)
    guard getentropy(&seed, seed.count) == 0, let key = RecipientKey(seed: seed) else { throw ExitCode(73) }
    do throws(PairStoreError) {
      try RecipientFile.write(privateKey: seed, to: "\(out).key")
      try RecipientFile.write(publicKey: key.publicKey.bytes, to: "\(out).pub")
    } catch {
      writeToStandardError("stt recipient: \(error)\n")
      throw ExitCode(73)
    }
    print(
      """
      \(out).key  the private key: keep it offline; without it nothing sealed to it alone is ever read
      \(out).pub  the public key: name it in the collector's configuration
      identifier  \(Digits.text(key.publicKey.identifier))
      """)
  }
}

struct RecipientShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a recipient key's identifier, as slots of recordings name it.",
    discussion: "Exit codes: 0 done, 64 wrong usage, 65 the file is no such key, 66 it cannot be read.")

  @Argument(help: "A NAME.key or NAME.pub.")
  var file: String

  func run() throws {
    do {
      let isPrivate = try RecipientFile.isPrivate(file)
      let key =
        isPrivate
        ? RecipientKey(seed: try RecipientFile.privateKey(file))?.publicKey
        : RecipientPublicKey(bytes: try RecipientFile.publicKey(file))
      guard let key else { throw RecipientFlaw(path: file, what: "its bytes are no X-Wing key") }
      print("kind        \(isPrivate ? "private" : "public")\nidentifier  \(Digits.text(key.identifier))")
    } catch let flaw as RecipientFlaw {
      writeToStandardError("stt recipient: \(flaw)\n")
      throw ExitCode(65)
    } catch {
      writeToStandardError("stt recipient: \(error)\n")
      throw ExitCode(66)
    }
  }
}
