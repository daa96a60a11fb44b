import ArgumentParser
import Glibc
import STC
import STTBoard
import STTKeyring
import STTRecord
import STTRecorder

struct RetainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retain",
    abstract: "Removes old segments of recordings by age or size, as a collector with such limits does by itself.",
    discussion: """
      Examples:
        stt retain /var/lib/stt/recordings --keep "30 d" --keys /var/lib/stt/collector/keys
        stt retain /var/lib/stt/recordings --max-size "100 GiB" --dry-run
        stt retain /var/lib/stt/recordings --purpose video --keep "7 d" --keys /var/lib/stt/collector/keys

      Removed are whole segments, the oldest first, never the newest finished one of a folder. A file `removed` there says
      what was, so that `stt verify` does not take it for a loss; of sealed recordings that takes --keys, because the note is
      worth as much as the key that signs it. A collector may be recording meanwhile. `stt shred` erases copies too.

      Exit codes: 0 removed, or nothing was due; 1 something can't be removed; 2 there is no recording; 64 wrong usage.
      """)

  @Argument(help: "The recordings' root.")
  var recordings: String
  @Option(help: ArgumentHelp("Remove what ended longer ago, such as \"30 d\" or \"12 h\".", valueName: "time"))
  var keep: String?
  @Option(help: ArgumentHelp("Keep all recordings together below this, such as \"100 GiB\".", valueName: "size"))
  var maxSize: String?
  @Option(help: ArgumentHelp("Keep each device's recordings below this.", valueName: "size"))
  var maxDeviceSize: String?
  @Option(help: ArgumentHelp("Look at recordings of this purpose alone, sizes included.", valueName: "name"))
  var purpose: String?
  @Option(help: ArgumentHelp("Look at recordings of this device alone.", valueName: "name"))
  var device: String?
  @Option(help: ArgumentHelp("The collector's keystore.", valueName: "directory"))
  var keys: String?
  @Flag(help: "Only say what would be removed.")
  var dryRun = false

  func validate() throws {
    _ = try policy()
  }

  private func policy() throws -> RetentionPolicy {
    func size(_ text: String?) throws -> UInt64? {
      guard let text else { return nil }
      guard let bytes = Quantity.bytes(text), bytes > 0 else {
        throw ValidationError("\"\(text)\" is no size: write it as \"100 GiB\" (B, KiB, MiB, GiB, TiB)")
      }
      return UInt64(bytes)
    }
    var policy = RetentionPolicy(byteCount: try size(maxSize), deviceByteCount: try size(maxDeviceSize))
    if let keep {
      guard let duration = Quantity.duration(keep), duration > .zero else {
        throw ValidationError("\"\(keep)\" is no time: write it as \"30 d\" (s, min, h, d)")
      }
      policy.age = UInt64(clamping: Int64(duration / .nanoseconds(1)))
    }
    guard policy.age != nil || policy.byteCount != nil || policy.deviceByteCount != nil else {
      throw ValidationError("give a limit: --keep, --max-size or --max-device-size")
    }
    return policy
  }

  func run() throws {
    do { _ = try RecordingFiles.tracks(at: recordings) } catch {
      writeToStandardError("stt retain: \(error)\n")
      throw ExitCode(2)
    }
    let wall = UInt64(time(nil)) * 1_000_000_000
    let due = Retention(root: recordings, purpose: purpose, device: device).due(try policy(), wall: wall)
    do {
      let signing = try signingKey()
      for segment in due {
        if !dryRun, signing == nil, try SealedSlots.of(segment.path) != nil {
          writeToStandardError(
            "stt retain: \(segment.path) is sealed: give the collector's keystore with --keys, which signs the note of what was removed\n"
          )
          throw ExitCode(1)
        }
        if !dryRun { try Retention.remove(segment, collectorKey: signing, wall: wall, on: SystemDisk()) }
        output("\(segment.path): \(sizeText(segment.byteCount)), \(segment.reason.rawValue)\n")
      }
    } catch let error as RecorderError {
      writeToStandardError("stt retain: \(error)\n")
      throw ExitCode(1)
    } catch let error as StateError {
      writeToStandardError("stt retain: \(error)\n")
      throw ExitCode(1)
    }
    if !dryRun {
      let names = due.map { $0.folder.split(separator: "/").suffix(2).joined(separator: "/") }
      CatalogueWitness.update(below: recordings, folders: Set(names))
    }
    let bytes = due.reduce(0) { $0 + $1.byteCount }
    output("\(due.count) segment(s), \(sizeText(bytes)) \(dryRun ? "would be removed" : "removed")\n")
  }

  private func signingKey() throws -> [UInt8]? {
    try keys.map { RecordingKeystore($0) }.flatMap { try $0.collectorKey(creating: false) }
  }
}
