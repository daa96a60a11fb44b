import ArgumentParser
import STTBoard
import STTJSON
import STTKeyring

/// Which collector's pins a command is about.
struct PinsOption: ParsableArguments {
  @Option(help: "The collector's state directory (its configuration's `state`).")
  var state = CollectorLimits.stateDirectory

  var pins: IdentityPins { IdentityPins(stateDirectory: state) }
}

/// `stt identity pin`: trust decided by a person instead of by the first contact.
struct IdentityPinCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pin",
    abstract: "Tell the collector which identity a device has, before or instead of its first contact.",
    discussion: """
      Run it on the collector as its user, also while it runs. The fingerprint comes from `stt identity show` on the
      device. Any identity pinned before is replaced.

      Exit codes: 0 done, 64 wrong usage, 65 or 66 the pair file is unusable or cannot be read, 73 the pin cannot be
      written.
      """)

  @OptionGroup var location: PinsOption

  @Option(help: ArgumentHelp("The device's pair, as the collector has it.", valueName: "file"))
  var pair: PairArgument

  @Argument(help: "64 hexadecimal digits, from `stt identity show` on the device.")
  var fingerprint: String

  func validate() throws {
    guard Self.bytes(fingerprint) != nil else {
      throw ValidationError("A fingerprint is 64 hexadecimal digits. Take it from `stt identity show` on the device.")
    }
  }

  func run() throws {
    let pair = try pair.load()
    let fingerprint = Self.bytes(fingerprint) ?? []
    do throws(StateError) {
      try location.pins.pin(
        IdentityPin(name: pair.name, deviceID: pair.deviceID, collectorID: pair.collectorID, fingerprint: fingerprint))
    } catch {
      throw pinTrouble(error)
    }
    print("\(pair.name): pinned \(identityWords(fingerprint))")
  }

  private static func bytes(_ text: String) -> [UInt8]? {
    let nibbles = text.compactMap(\.hexDigitValue)
    guard nibbles.count == 64, text.count == 64 else { return nil }
    return (0..<32).map { UInt8(nibbles[2 * $0] << 4 | nibbles[2 * $0 + 1]) }
  }
}

/// `stt identity unpin NAME`: the next identity the device shows is the first again.
struct IdentityUnpin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpin",
    abstract: "Let a device have a new identity: the next one it shows is pinned.",
    discussion: """
      Do this only when you know why the identity changed: a new disk, a new device, a lost key. Otherwise the alarm
      was right, and the seed must go too: stt seed rotate --now. Works while the collector runs.

      Exit codes: 0 done, 1 no identity of that name is pinned, 64 wrong usage, 65 a pin is damaged, 66 the state
      directory cannot be read, 73 the pin cannot be removed.
      """)

  @OptionGroup var location: PinsOption

  @Argument(help: "The device's name, as `stt identity list` shows it.")
  var name: String

  func run() throws {
    var count = 0
    do throws(StateError) {
      for pin in try location.pins.all().pins where pin.name == name {
        if try location.pins.unpin(pin) { count += 1 }
      }
    } catch {
      throw pinTrouble(error)
    }
    guard count > 0 else {
      writeToStandardError("stt identity: no identity of \"\(name)\" is pinned in \(location.pins.path)\n")
      throw ExitCode.failure
    }
    print("\(name): unpinned; the next identity it shows is pinned")
  }
}

/// `stt identity list`: what the collector knows.
struct IdentityList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the identities that the collector has pinned.",
    discussion: """
      Compare the words with `stt identity show` on each device.

      Exit codes: 0 done, 64 wrong usage, 65 a pin is damaged, 66 the state directory cannot be read.
      """)

  @OptionGroup var location: PinsOption

  @Option(help: "How to print: text, or json for one object a line.")
  var format: OutputFormat = .text

  func run() throws {
    let found: (pins: [IdentityPin], failures: [StateError])
    do throws(StateError) { found = try location.pins.all() } catch { throw pinTrouble(error) }
    for failure in found.failures { writeToStandardError("stt identity: \(failure)\n") }
    for pin in found.pins {
      switch format {
      case .text: print("\(pin.name)  \(identityWords(pin.fingerprint))")
      case .json:
        var object = JSONObject()
        object.set("name", pin.name)
        object.set("words", identityWords(pin.fingerprint))
        object.set("fingerprint", digits(pin.fingerprint))
        print(object.text)
      }
    }
    if found.pins.isEmpty, found.failures.isEmpty, format == .text {
      print("no identity is pinned in \(location.pins.path)")
    }
    if !found.failures.isEmpty { throw SeedExit.noPair }
  }
}

private func pinTrouble(_ error: StateError) -> ExitCode {
  writeToStandardError("stt identity: \(error)\n")
  switch error {
  case .damaged, .damagedAnchors, .damagedPin, .damagedKey: return SeedExit.noPair
  case .cannotWrite: return SeedExit.unwritable
  case .cannotOpen, .inUse, .cannotRead, .exhausted: return SeedExit.unreadable
  }
}
