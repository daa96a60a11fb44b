import ArgumentParser
import STTRecord
import STTRecorder

struct CutCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cut",
    abstract: "Writes a part of a recording, by time and by streams, as one plain MCAP file.",
    discussion: """
      Examples:
        stt cut recordings --from 2026-11-23T19:06:00Z --for 60 --out minute.mcap
        stt cut recordings --streams camera 'system/*' --out some.mcap

      Every message keeps its times, its number and its channel. What was sealed is plain in the new file. An
      existing file is not replaced.

      Exit codes: 0 written; 3 a file was damaged and its whole part was taken; 2 it can't be read, opened or written.
      """)

  @Argument(help: "A .mcap file, a device's folder, or the recordings' root.")
  var recording: String
  @OptionGroup var selection: SelectionOptions
  @Option(name: [.short, .long], help: ArgumentHelp("The file to write.", valueName: "file"))
  var out: String
  @OptionGroup var keys: KeyOptions

  func run() throws {
    try copyRecordings([recording], selection.selection, keys, to: out)
  }
}

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Writes several recordings as one plain MCAP file, in the order in which messages were received.",
    discussion: """
      Example:
        stt merge recordings/greenhouse-1 recordings/greenhouse-2 --out both.mcap

      Streams of different devices stay channels of their own. A message that is in several of the recordings is
      written once. What was sealed is plain in the new file. An existing file is not replaced.

      Exit codes: 0 written; 3 a file was damaged and its whole part was taken; 2 one can't be read, opened or written.
      """)

  @Argument(help: "Two or more: .mcap files, devices' folders, or recordings' roots.")
  var recordings: [String]
  @OptionGroup var selection: SelectionOptions
  @Option(name: [.short, .long], help: ArgumentHelp("The file to write.", valueName: "file"))
  var out: String
  @OptionGroup var keys: KeyOptions

  func run() throws {
    try copyRecordings(recordings, selection.selection, keys, to: out)
  }
}

private func copyRecordings(
  _ recordings: [String], _ selection: ReadSelection, _ keys: KeyOptions, to path: String
) throws {
  try readingRecordings {
    let tracks = try recordings.flatMap { try RecordingFiles.tracks(at: $0) }
    let reader = MergedReader(tracks, keys: try keys.sources(), selection)
    let copy = try RecordingCopy(creating: path)
    while try reader.next({ message, channel in try copy.add(message, channel) }) {}
    let count = try copy.finish()
    let twice = copy.duplicateCount == 0 ? "" : ", \(copy.duplicateCount) that came twice left out"
    output("\(path): \(count) messages\(twice)\n")
    return reader.damage
  }
}

/// Runs what reads recordings: says what was wrong and ends with the exit code for it.
func readingRecordings(_ body: () throws -> [(path: String, what: SegmentDamage)]) throws {
  let damage: [(path: String, what: SegmentDamage)]
  do { damage = try body() } catch let code as ExitCode {
    throw code
  } catch {
    writeToStandardError("\(error)\n")
    throw ExitCode(2)
  }
  for (path, what) in damage { writeToStandardError("\(path): \(what)\n") }
  if !damage.isEmpty { throw ExitCode(3) }
}
