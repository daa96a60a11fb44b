import ArgumentParser
import STC
import STTBoard
import STTKeyring

/// `stt seed …`: makes, checks and shows the secret a device shares with its collector.
struct SeedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seed",
    abstract: "Make and check the secret that a device shares with its collector.",
    discussion: """
      A pair file holds everything two ends need to recognise each other: the device's name, two
      random ids, and a seed of 32 random bytes. Make one for every device, and put the same file on
      the device and on its collector:

        stt seed new greenhouse-1 --out greenhouse-1.pair

      Both ends then show the same four words, which people can compare by telephone:

        stt seed verify greenhouse-1.pair

      Whoever reads the file can pose as either end. It never crosses the network. Give the pair a new seed from
      time to time, and at once after a theft:

        stt seed rotate greenhouse-1.pair

      Exit codes: 0 done, 1 nothing of that number, 64 wrong usage, 65 the file is no usable pair, 66 it cannot be read,
      73 it cannot be written, 77 its permissions let others in.
      """,
    subcommands: [
      SeedNew.self, SeedShow.self, SeedVerify.self, SeedQR.self, SeedRotate.self, SeedEpochs.self, SeedForget.self,
    ])
}

/// What the `seed` commands exit with, after sysexits(3).
enum SeedExit {
  static let noPair = ExitCode(65)
  static let unreadable = ExitCode(66)
  static let unwritable = ExitCode(73)
  static let openToOthers = ExitCode(77)

  /// Prints the error's sentence and gives the code that belongs to it.
  static func report(_ error: PairStoreError, of command: String = "seed") -> ExitCode {
    writeToStandardError("stt \(command): \(error)\n")
    switch error {
    case .flawed, .noIdentity: return noPair
    case .tooOpen, .foreignOwner, .symbolicLink: return openToOthers
    case .exists, .unwritable: return unwritable
    case .unreadable, .notRegular, .noVariable, .noCredentialsDirectory: return unreadable
    case .fixed: return unwritable
    case .otherPair: return noPair
    }
  }
}

/// Where a pair is read from: a path, or one of the forms a configuration takes.
struct PairArgument: ExpressibleByArgument {
  var reference: PairReference

  init?(argument: String) {
    if let reference = PairReference(parsing: argument) {
      self.reference = reference
    } else if argument.contains(":") || argument.isEmpty {
      return nil
    } else {
      reference = .file(path: argument)
    }
  }

  func load() throws -> PairFile {
    let loaded: LoadedPair
    do throws(PairStoreError) {
      loaded = try PairFile.load(reference)
    } catch {
      throw SeedExit.report(error)
    }
    if let warning = loaded.warning { writeToStandardError("stt seed: \(warning)\n") }
    return loaded.pair
  }
}

/// The four words by which people compare a pair without showing it (docs/protocol.md 2.1). The one
/// place where these commands derive anything from the seed.
func fingerprintWords(of pair: PairFile) throws -> String { try fingerprintWords(of: pair.seed) }

func fingerprintWords(of seed: SecretBytes) throws -> String {
  var bytes = seed.withUnsafeBytes { [UInt8]($0) }
  defer { for index in bytes.indices { bytes[index] = 0 } }
  return Proquint.words(try Seed(bytes: bytes).fingerprint)
}
