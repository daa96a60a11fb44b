import ArgumentParser
import Glibc
import LinuxEvents
import STTBoard
import STTConfig
import STTKeyring

struct RotateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Give a device a new seed over the wire.",
    discussion: """
      Adds a seed to the device's pair file and tells the running collector. It offers the seed inside the device's
      session, the device stores it, proves it by a new handshake, and from then on it is the current one; the old
      one is answered for the overlap still. Power may fail at any moment of this: a seed that both ends have is
      always left. See how far it is with `stt seed epochs FILE` and in the collector's log.

      That needs a HYBRID session with a device that proves its identity (identity = "pin" or "required"), and a pair
      kept as a file that collector and agent can write. Otherwise the new seed waits in the pair file, and you bring
      that to the device by hand.

      Never for a seed that may be stolen: the thief would get the next one too. Use `stt seed rotate --now FILE`
      and carry the file by hand.

      Exit codes: 0 done; 1 the pair can't be changed or there is a new seed already; 2 the configuration is wrong, or
      no such device; 64 wrong usage.
      """)

  @OptionGroup var file: ConfigurationOption

  @Argument(help: "The device's name, as its pair file says.")
  var device: String

  @Option(help: ArgumentHelp("How long the old seed is answered after the new one is proven.", valueName: "days"))
  var overlap = 14

  func validate() throws {
    guard (0...366).contains(overlap) else {
      throw ValidationError("--overlap takes whole days from 0 to 366, not \(overlap)")
    }
  }

  func run() throws {
    let configuration: CollectorConfiguration
    let found: (reference: PairReference, identity: IdentityPolicy)
    do {
      configuration = try ConfigFile(file.config).collector()
      found = try find(in: configuration)
    } catch let code as ExitCode {
      throw code
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
    let pair: PairFile
    do throws(PairStoreError) {
      guard case .file(let path) = found.reference else { throw .fixed(found.reference) }
      let seconds = UInt32(overlap) * 86_400
      pair = try PairStore.update(path) { (pair) throws(PairFlaw) in
        try pair.addNext(
          SecretBytes.randomSeed(), overlapSeconds: seconds, madeSeconds: Clocks.wall / 1_000_000_000)
        return true
      }.0
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
    print("\(device): epoch \(pair.next?.number ?? 0) waits in \(found.reference)")
    if found.identity == .off {
      print("identity is \"off\" for this device, so no seed is sent to it: bring the file to it by hand.")
    }
    guard let process = StateDirectory.user(of: configuration.stateDirectory) else {
      print("The collector does not run now; it will offer the seed when it does.")
      return
    }
    guard kill(process, SIGHUP) == 0 else {
      print(
        "The running collector (process \(process)) can't be told: \(String(cString: strerror(errno))). Send it SIGHUP, or restart it."
      )
      throw ExitCode(1)
    }
    print("The running collector (process \(process)) was told.")
  }

  private func find(
    in configuration: CollectorConfiguration
  ) throws -> (reference: PairReference, identity: IdentityPolicy) {
    var names: [String] = []
    for known in configuration.devices {
      let loaded = try PairFile.load(known.pair)
      if loaded.pair.name == device { return (loaded.reference, known.identity) }
      names.append(loaded.pair.name)
    }
    if let directory = configuration.pairsDirectory {
      for loaded in try PairFile.loadAll(in: directory).pairs {
        if loaded.pair.name == device { return (loaded.reference, configuration.identity) }
        names.append(loaded.pair.name)
      }
    }
    print("there is no device \"\(device)\" in \(file.config); there are: \(names.joined(separator: ", "))")
    throw ExitCode(2)
  }
}
