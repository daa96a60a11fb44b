import ArgumentParser
import STC
import STTBoard
import STTJSON
import STTKeyring

/// `stt identity …`: a device's own key, and what the collector remembers of it.
struct IdentityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identity",
    abstract: "Let a device prove who it is beyond the seed it shares, so that a stolen seed alone is worth nothing.",
    discussion: """
      A pair file lies on both ends, and whoever copies it can pose as the device. An identity is a private key that
      is made on the device and never leaves it. The collector keeps (pins) the first one a device shows, and refuses
      every other from then on, loudly.

      On the device:
        stt identity new --out /etc/stt/identity
        and in the agent's configuration:      [device]  identity = "file:/etc/stt/identity"
      On the collector:                        identity = "pin", or "required" to hear nobody without one

      The first contact decides, so make it where you trust the network, or compare the words that both ends show:
        stt identity show /etc/stt/identity    on the device
        stt identity list                      on the collector

      Exit codes: 0 done, 1 nothing of that name, 64 wrong usage, 65 the file is unusable, 66 it cannot be read,
      73 it cannot be written, 77 its permissions let others in.
      """,
    subcommands: [IdentityNew.self, IdentityShow.self, IdentityPinCommand.self, IdentityUnpin.self, IdentityList.self])
}

extension IdentityFile.Algorithms: ExpressibleByArgument {}

/// `stt identity new`: a fresh identity out of the kernel's random generator.
struct IdentityNew: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Make this device's identity.",
    discussion: """
      Make it on the device itself, readable by the agent's user alone. With both kinds of key (the default) a forger
      has to break both; ML-DSA-65 withstands quantum computers and costs 5 kB in each session.

      A device whose identity is replaced is refused until its owner runs `stt identity unpin` on the collector.

      Exit codes: 0 done, 1 no key could be made, 64 wrong usage, 73 the file exists already or cannot be written.
      """)

  @Option(name: [.short, .long], help: ArgumentHelp("Where to write the identity.", valueName: "file"))
  var out = "identity"

  @Option(help: "ed25519, ml-dsa-65 or ed25519+ml-dsa-65.")
  var algorithms = IdentityFile.Algorithms.both

  @Flag(help: "Replace an existing file.")
  var force = false

  func run() throws {
    let identity: IdentityFile
    do throws(IdentityFlaw) { identity = try IdentityFile.generate(algorithms) } catch {
      writeToStandardError("stt identity: \(error.sentence)\n")
      throw ExitCode.failure
    }
    let words = identityWords(try identity.publicKey().fingerprint)
    do throws(PairStoreError) { try identity.write(to: out, replacing: force) } catch {
      throw SeedExit.report(error, of: "identity")
    }
    print(
      """
      \(out): a new identity (\(algorithms.rawValue))
      fingerprint  \(words)

      Next:
        1. Keep the file where the agent reads it, and nowhere else:
             sudo install -m 600 \(out) /etc/stt/identity && rm \(out)
        2. Name it in the agent's configuration:
             [device]
             identity = "file:/etc/stt/identity"
        3. Ask for it in the collector's:  identity = "required"  (or "pin")
        4. After the first connection compare the words:  stt identity list
      """)
  }
}

/// `stt identity show FILE`: the public facts of an identity.
struct IdentityShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show an identity's fingerprint, by which the collector knows it.",
    discussion: """
      The words are for people to compare; the whole fingerprint (SHA-256 over the public key) is what
      `stt identity pin` takes. The private key is never printed.

      Exit codes: 0 done, 64 wrong usage, 65 the file is unusable, 66 it cannot be read, 77 its permissions let
      others in.
      """)

  @Argument(help: "A path, or file:, credential:, fd: or env: as in a configuration.")
  var file: PairArgument

  @Option(help: "How to print: text, or json for one object.")
  var format: OutputFormat = .text

  func run() throws {
    let identity: IdentityFile
    do throws(PairStoreError) {
      let loaded = try IdentityFile.load(file.reference)
      if let warning = loaded.warning { writeToStandardError("stt identity: \(warning)\n") }
      identity = loaded.identity
    } catch {
      throw SeedExit.report(error, of: "identity")
    }
    let fingerprint = try identity.publicKey().fingerprint
    switch format {
    case .text:
      print(
        """
        algorithms   \(identity.algorithms.rawValue)
        words        \(identityWords(fingerprint))
        fingerprint  \(digits(fingerprint))
        """)
    case .json:
      var object = JSONObject()
      object.set("algorithms", identity.algorithms.rawValue)
      object.set("words", identityWords(fingerprint))
      object.set("fingerprint", digits(fingerprint))
      print(object.text)
    }
  }
}

extension IdentityFile {
  /// The one place where these commands derive anything from the private key.
  func publicKey() throws -> IdentityPublicKey {
    guard
      let key = IdentityKey(
        ed25519: ed25519?.withUnsafeBytes { [UInt8]($0) }, mlDSA65: mlDSA65?.withUnsafeBytes { [UInt8]($0) })
    else { throw SeedExit.noPair }
    return key.publicKey
  }
}

/// Two digits a byte.
func digits(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
