import ArgumentParser
import STTRecord

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a recording for other programs: plain MCAP, NDJSON, CSV, pictures, video.",
    discussion: """
        stt export recordings --to ndjson > all.ndjson
        stt export recordings --to csv --streams system/load > load.csv
        stt export recordings --to csv --out tables          a file for each stream
        stt export recordings --to jpeg --out pictures       a file for each picture, named by its time
        stt export recordings --to matroska --out films      JPEG and H.264 as video, a file for each stream
        stt export recordings --to mcap --out all.mcap       one file, for Foxglove, PlotJuggler, mcap

      A CSV file has one stream, because its columns are that stream's fields; to standard output it takes exactly
      one. Pictures are named by the time the device took them; video keeps the times between them. Existing files
      are not replaced. There is no Parquet: Debian has no library for it.

      Exit codes: 0 written; 3 a file was damaged and its whole part was written; 2 it can't be: unreadable, not
      writable, or sealed and no key given opens it.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case ndjson, csv, mcap, jpeg, matroska }

  @Argument(help: "A .mcap file, a device's folder, or the recordings' root.")
  var recording: String
  @Option(help: "ndjson, csv, mcap, jpeg or matroska.")
  var to = Format.ndjson
  @Option(
    name: [.short, .long],
    help: ArgumentHelp("Where to write: a file for ndjson and mcap, else a directory.", valueName: "path"))
  var out: String?
  @OptionGroup var selection: SelectionOptions
  @OptionGroup var keys: KeyOptions

  func validate() throws {
    if to == .csv, out == nil, selection.streams.count != 1 {
      throw ValidationError(
        "--to csv needs exactly one stream: --streams NAME (`stt inspect` lists them), or --out DIRECTORY for all")
    }
    if out == nil, [.mcap, .jpeg, .matroska].contains(to) {
      throw ValidationError("--to \(to.rawValue) needs --out \(to == .mcap ? "FILE" : "DIRECTORY")")
    }
  }

  func run() throws {
    try readingRecordings {
      let tracks = try RecordingFiles.tracks(at: recording)
      let reader = MergedReader(tracks, keys: try keys.sources(), selection.selection)
      let export = try makeExport(tracks.count)
      while try reader.next({ message, channel in
        try export.add(message, channel, clock: reader.clock(of: channel.stream))
      }) {}
      for line in try export.finish() { writeToStandardError(line + "\n") }
      return reader.damage
    }
  }

  private func makeExport(_ trackCount: Int) throws -> any MessageExport {
    switch to {
    case .ndjson: NDJSONExport(try out.map { try ByteOutput(creating: $0, isBulk: true) } ?? ByteOutput(isBulk: true))
    case .csv: CSVExport(directory: out)
    case .mcap: try MCAPExport(creating: out ?? "", leavesOutCopies: trackCount > 1)
    case .jpeg: PictureExport(directory: out ?? "")
    case .matroska: MatroskaExport(directory: out ?? "")
    }
  }
}
