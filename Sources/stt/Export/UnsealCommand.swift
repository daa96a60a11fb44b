import ArgumentParser
import Glibc
import STTRecord
import STTRecorder

struct UnsealCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unseal",
    abstract: "Writes a sealed recording as plain MCAP files that any tool opens.",
    discussion: """
      Example:
        stt unseal recordings/greenhouse-1 --keys /var/lib/stt/collector/keys --out plain

      What is plain already is copied message by message. Existing files are not replaced.

      Exit codes: 0 written; 2 it can't be read, opened or written; 3 a file was damaged and its whole part was written.
      """)

  @Argument(help: "A .mcap file, a device's folder, or the recordings' root.")
  var recording: String
  @Option(name: [.short, .long], help: ArgumentHelp("Where to write; made if need be.", valueName: "directory"))
  var out: String
  @OptionGroup var keys: KeyOptions

  func run() throws {
    var isDamaged = false
    do {
      let sources = try keys.sources()
      try ExportFolder.forEachCopy(of: try RecordingFiles.tracks(at: recording), in: out) { path, destination in
        switch try PlainCopy.write(path, to: destination, on: WriteBehindDisk(), keys: sources) {
        case .locked(let slots): throw SegmentLocked(path: path, slots: slots)
        case .written(let messages, let damage):
          output("\(destination): \(messages) messages\n")
          if let damage {
            isDamaged = true
            writeToStandardError("\(path): \(damage)\n")
          }
        }
      }
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
    if isDamaged { throw ExitCode(3) }
  }
}
