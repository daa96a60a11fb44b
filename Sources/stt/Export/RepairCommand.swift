import ArgumentParser
import Glibc
import STTRecorder

struct RepairCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair",
    abstract: "Writes whole copies of damaged files: everything in them that can still be read.",
    discussion: """
      Example:
        stt repair recordings/greenhouse-1 --out mended

      Files that are whole are left alone, and originals are never changed. Of a plain file every chunk that is whole
      is saved, also those after a damaged part; of a sealed one what comes before it, because what follows is bound
      to what is missing. A collector ends its own unfinished files at its next start; the file it is recording into
      looks unfinished too.

      Exit codes: 0 nothing needed mending; 3 copies were written, and what is lost is said; 2 it can't be read,
      opened or written.
      """)

  @Argument(help: "A .mcap file, a device's folder, or the recordings' root.")
  var recording: String
  @Option(name: [.short, .long], help: ArgumentHelp("Where to write; made if need be.", valueName: "directory"))
  var out: String
  @OptionGroup var keys: KeyOptions

  func run() throws {
    var isMended = false
    do {
      let sources = try keys.sources()
      try ExportFolder.forEachCopy(of: try RecordingFiles.tracks(at: recording), in: out) { path, destination in
        if try repair(path, to: destination, sources) { isMended = true }
      }
    } catch {
      writeToStandardError("\(error)\n")
      throw ExitCode(2)
    }
    if isMended { throw ExitCode(3) }
  }

  private func repair(_ path: String, to destination: String, _ keys: KeySources) throws -> Bool {
    switch try SegmentSalvage.write(path, to: destination, on: WriteBehindDisk(), keys: keys) {
    case .locked(let slots): throw SegmentLocked(path: path, slots: slots)
    case .whole:
      output("\(path): whole\n")
      return false
    case .written(let messages, let losses):
      output("\(destination): \(messages) messages saved\n")
      for loss in losses {
        let start = loss.after == 0 ? "the beginning" : timeText(loss.after)
        let end = loss.before == 0 ? "the end" : timeText(loss.before)
        output("  lost: what was received between \(start) and \(end) (\(loss.damage))\n")
      }
      return true
    }
  }
}
