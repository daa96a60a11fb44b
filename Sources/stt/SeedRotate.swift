import ArgumentParser
import LinuxEvents
import STTBoard
import STTKeyring

/// `stt seed rotate FILE`: the next seed of a pair.
struct SeedRotate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Give a pair a new seed: in good time, or at once after a theft.",
    discussion: """
      Adds a seed to the pair file. Bring the file to both ends, in either order; each end takes it at a restart or on
      SIGHUP. Until both have it they go on with the old seed. The first handshake with the new one makes it current,
      and the old one is answered for the overlap still, should an end lose the new file. Then it is archive-only:
      never accepted again, and kept for old recordings.

      With --now no other seed of the pair is ever accepted again, by whoever has this file. Use it when a seed may
      be in other hands. The device stays out until it has the new file, which must reach it by hand: what was stolen
      can't protect its own successor.

      A running collector needs no carrying at all for a device that has an identity: `stt-collector rotate DEVICE`.

      Exit codes: 0 done, 64 wrong usage, 65 no usable pair, or one that is being rotated already, 66 unreadable,
      73 unwritable, 77 permissions.
      """)

  @Argument(help: "The pair file's path.")
  var file: String

  @Flag(help: "Replace every seed at once, without an overlap.")
  var now = false

  @Option(
    help: ArgumentHelp("How long the old seed is answered after the new one is proven (default: 14).", valueName: "days"))
  var overlap: Int?

  func validate() throws {
    if let overlap, !(0...366).contains(overlap) {
      throw ValidationError("--overlap takes whole days from 0 to 366, not \(overlap)")
    }
    if now, overlap != nil { throw ValidationError("--now means that there is no overlap: leave --overlap out.") }
  }

  func run() throws {
    let made = Clocks.wall / 1_000_000_000
    let seconds = overlap.map { UInt32($0) * 86_400 } ?? SeedEpoch.usualOverlapSeconds
    let isAtOnce = now
    let pair: PairFile
    do throws(PairStoreError) {
      pair = try PairStore.update(file) { (pair) throws(PairFlaw) in
        let seed = try SecretBytes.randomSeed()
        if isAtOnce {
          try pair.replaceAll(seed, madeSeconds: made)
        } else {
          try pair.addNext(seed, overlapSeconds: seconds, madeSeconds: made)
        }
        return true
      }.0
    } catch {
      throw SeedExit.report(error)
    }
    try printEpochs(of: pair)
    if now {
      print(
        """

        Epoch \(pair.epoch) is the only one that authenticates now. Next:
          1. Bring this file to the collector and the device by hand, over a channel the thief does not have.
          2. Restart both, or send them SIGHUP. Sessions of the old seed end then.
        Until the device has the file it is refused, and keeps what it measures.
        """)
    } else {
      print(
        """

        Next: bring this file to both ends, in either order, and restart them or send them SIGHUP.
        They go on with epoch \(pair.epoch) until both have it.
        """)
    }
  }
}

/// `stt seed epochs FILE`: all seeds of a pair, without their secrets.
struct SeedEpochs: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "epochs",
    abstract: "List the seeds of a pair: their states and their words.",
    discussion: """
      next: handed out, and not yet proven by a handshake. current: the one in use. previous: still answered, for the
      time shown. archive-only: never accepted again, kept for old recordings.

      The same words on both ends mean the same seed.

      Exit codes: 0 done, 64 wrong usage, 65 no usable pair, 66 unreadable, 77 permissions.
      """)

  @Argument(help: "A path, or file:, credential:, fd: or env: as in a configuration.")
  var file: PairArgument

  @Option(help: "How to print: text, or json for one object an epoch.")
  var format: SeedOutputFormat = .text

  func run() throws {
    let pair = try file.load()
    switch format {
    case .text: try printEpochs(of: pair)
    case .json:
      // Every value is of a character set that JSON takes as it is.
      for epoch in pair.epochs {
        print(
          "{\"epoch\":\(epoch.number),\"state\":\"\(epoch.state.rawValue)\",\"fingerprint\":\"\(try fingerprintWords(of: epoch.seed))\",\"overlapSeconds\":\(epoch.overlapSeconds),\"madeSeconds\":\(epoch.madeSeconds)}"
        )
      }
    }
  }
}

/// `stt seed forget FILE EPOCH`: an old seed goes for good.
struct SeedForget: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Drop an archive-only seed from a pair for good.",
    discussion: """
      What was sealed under it can never be opened again with this pair. A pair keeps 128 seeds; beyond that old ones
      must go before it can be rotated.

      Exit codes: 0 done, 1 there is no such archive-only epoch, 64 wrong usage, 65 no usable pair, 66 unreadable,
      73 unwritable, 77 permissions.
      """)

  @Argument(help: "The pair file's path.")
  var file: String

  @Argument(help: "The epoch's number, as `stt seed epochs` shows it.")
  var epoch: UInt32

  func run() throws {
    let number = epoch
    let pair: PairFile
    let isForgotten: Bool
    do throws(PairStoreError) {
      (pair, isForgotten) = try PairStore.update(file) { (pair) throws(PairFlaw) in pair.forget(number) }
    } catch {
      throw SeedExit.report(error)
    }
    guard isForgotten else {
      let known = pair.epochs.map { "\($0.number) \($0.state.rawValue)" }.joined(separator: ", ")
      writeToStandardError("stt seed: epoch \(number) is no archive-only epoch of \(file), which has: \(known)\n")
      throw ExitCode.failure
    }
    print("\(file): epoch \(number) is gone")
  }
}

/// One line an epoch, newest first.
func printEpochs(of pair: PairFile) throws {
  print("epoch  state         fingerprint")
  for epoch in pair.epochs {
    var line = "\(epoch.number)".padded(to: 7) + epoch.state.rawValue.padded(to: 14) + (try fingerprintWords(of: epoch.seed))
    let hours = (epoch.overlapSeconds + 3599) / 3600
    let time = hours >= 48 ? "\((hours + 23) / 24) days" : "\(hours) h"
    if epoch.state == .previous { line += "  (answered for \(time) more of running time)" }
    if epoch.state == .next, hours > 0 { line += "  (the one before is answered for \(time) after it)" }
    print(line)
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
