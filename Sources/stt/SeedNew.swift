import ArgumentParser
import STTBoard
import STTKeyring

/// `stt seed new NAME`: a fresh pair out of the kernel's random generator.
struct SeedNew: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Make a new pair for one device.",
    discussion: """
      Exit codes: 0 done, 64 wrong usage, 65 no usable pair, 66 unreadable, 73 unwritable, 77 permissions.

      The name becomes the device's directory in recordings, so choose one that will still be right
      in a year: letters, digits, dots, underscores and dashes.

      The file is created readable by its owner alone. An existing file is never replaced without
      --force, because its device would be locked out until it has the new one too.
      """)

  @Argument(help: "The device's name, such as greenhouse-1.")
  var name: String

  @Option(name: [.short, .long], help: ArgumentHelp("Where to write the pair (default: NAME.pair).", valueName: "file"))
  var out: String?

  @Flag(help: "Replace an existing file.")
  var force = false

  func validate() throws {
    guard isPortableName(name) else {
      throw ValidationError(
        "\"\(name)\" cannot be a device's name. Use 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or digit.")
    }
  }

  func run() throws {
    let path = out ?? "\(name).pair"
    let pair: PairFile
    do throws(PairFlaw) {
      pair = try PairFile.generate(name: name)
    } catch {
      writeToStandardError("stt seed: \(error.sentence)\n")
      throw ExitCode.failure
    }
    do throws(PairStoreError) {
      try pair.write(to: path, replacing: force)
    } catch {
      throw SeedExit.report(error)
    }
    print(
      """
      \(path): a new pair for "\(name)"
      fingerprint  \(try fingerprintWords(of: pair))

      Next:
        1. Copy the file to the device and to the collector, over a channel you trust:
             sudo install -m 600 \(path) /etc/stt/\(name).pair            (on the device)
             sudo install -m 600 \(path) /etc/stt/pairs.d/\(name).pair    (on the collector)
           or show it to a scanner:  stt seed qr \(path)
        2. Compare the four words on both ends:  stt seed verify FILE
        3. Name it in the agent's configuration, under [collector]:
             pair = "file:/etc/stt/\(name).pair"
        4. Delete this copy if it lies on neither end.
      """)
  }
}
