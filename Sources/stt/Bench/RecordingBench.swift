import ArgumentParser
import Glibc
import LinuxEvents
import STTJSON
import STTRecord
import STTRecorder

struct RecordingBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recording",
    abstract: "Measures verification and export of an hour of 1 kHz samples and ten minutes of camera.",
    discussion: """
      The recorder writes the recording, plain and sealed; then it is verified and exported in every form, each beside
      the ceiling of the same run: reading the same files from the page cache, and writing as many bytes to a file
      through the page cache and syncing it, pictures to as many files. Figures are megabytes of recording (1,000,000 bytes) a second of wall time;
      an export's ceiling is the rate at which what it wrote could have been written. On a busy machine look at the
      figures for a second of processor time.

      Exit codes: 0 measured; 1 a run failed.
      """)

  @Option(help: ArgumentHelp("Where to work; made, and removed afterwards.", valueName: "directory"))
  var directory = "stt-bench-recording"
  @Option(help: ArgumentHelp("Minutes of samples; a sixth of it with camera frames.", valueName: "minutes"))
  var minutes = 60
  @Option(help: "Only make the recording, plain or sealed, as one file of any size, and leave it there.")
  var makeOnly: Seal?
  @Option(help: "text or json (one object).")
  var format = OutputFormat.text

  func validate() throws {
    guard (1...100_000).contains(minutes) else { throw ValidationError("--minutes is from 1 to 100000") }
  }

  enum Seal: String, ExpressibleByArgument, CaseIterable { case plain, sealed }

  /// One thing measured.
  struct Figure {
    var name: String
    var megabytesPerSecond: Double
    /// A second of processor time, which other programs don't lengthen.
    var megabytesPerCPUSecond: Double
    var ceiling: Double
  }

  func run() throws {
    do {
      try ExportFolder.make(directory)
      var figures: [Figure] = []
      for seal in makeOnly.map({ [$0] }) ?? Seal.allCases {
        let name = seal.rawValue
        let root = "\(directory)/\(name)"
        let began = Clocks.monotonic
        let made = try BenchRecording(
          root: root, isSealed: seal == .sealed, seconds: minutes * 60, cameraSeconds: minutes * 10,
          isOneFile: makeOnly != nil)
        let files = try RecordingFiles.tracks(at: root)
        let bytes = try files.flatMap(\.files).reduce(UInt64(0)) { try $0 + FileSource($1).byteCount }
        if format == .text {
          output("\(name): \(made.messageCount) messages, \(sizeText(bytes)), made in \(Self.seconds(since: began)) s\n")
        }
        if makeOnly != nil { continue }
        figures += try measure(name, files, made.keys, bytes)
      }
      if makeOnly != nil { return }
      report(figures)
      try BenchFolder.remove(directory)
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  private func measure(
    _ name: String, _ tracks: [RecordingFiles.Track], _ keys: KeySources, _ bytes: UInt64
  ) throws -> [Figure] {
    let reading = try rate(bytes) { try BenchFolder.read(tracks.flatMap(\.files)) }.wall
    var figures: [Figure] = []
    let verifying = try rate(bytes) {
      let summary = try RecordingSummary(tracks, keys: keys)
      guard summary.verdict == .intact else { throw RecorderError(doing: "verify", path: directory, number: EIO) }
    }
    figures.append(
      Figure(
        name: "verify, \(name)", megabytesPerSecond: verifying.wall, megabytesPerCPUSecond: verifying.cpu,
        ceiling: reading))
    let exports: [(String, ReadSelection, (String) throws -> any MessageExport)] = [
      ("mcap", ReadSelection(), { try MCAPExport(creating: $0, leavesOutCopies: false) }),
      ("csv", ReadSelection(streams: [BenchRecording.samples]), { CSVExport(directory: $0) }),
      ("ndjson", ReadSelection(), { NDJSONExport(try ByteOutput(creating: $0, isBulk: true)) }),
      ("jpeg", ReadSelection(streams: [BenchRecording.camera]), { PictureExport(directory: $0) }),
      ("matroska", ReadSelection(streams: [BenchRecording.camera]), { MatroskaExport(directory: $0) }),
    ]
    for (form, selection, make) in exports {
      let path = "\(directory)/\(name)-\(form)"
      let exporting = try rate(bytes) {
        let reader = MergedReader(tracks, keys: keys, selection)
        let export = try make(path)
        while try reader.next({ message, channel in
          try export.add(message, channel, clock: reader.clock(of: channel.stream))
        }) {}
        _ = try export.finish()
      }
      let written = BenchFolder.byteCount(path)
      let writing = try BenchFolder.write(
        written, files: BenchFolder.fileCount(path), to: "\(path)-ceiling")
      figures.append(
        Figure(
          name: "export to \(form), \(name)", megabytesPerSecond: exporting.wall,
          megabytesPerCPUSecond: exporting.cpu,
          ceiling: Double(bytes) / 1e6 / max(writing, Double(bytes) / 1e6 / reading)))
      // ext4 passes over files just removed one by one: what writes many after that would be measured with it.
      if BenchFolder.fileCount(path) < 100 {
        for path in [path, "\(path)-ceiling"] { try BenchFolder.remove(path) }
      }
    }
    return figures
  }

  private func rate(_ bytes: UInt64, _ body: () throws -> Void) throws -> (wall: Double, cpu: Double) {
    let (began, used) = (Clocks.monotonic, Clocks.processCPU)
    try body()
    let megabytes = Double(bytes) / 1e6
    return (
      megabytes / (Double(Clocks.monotonic - began) / 1e9), megabytes / (Double(max(1, Clocks.processCPU - used)) / 1e9)
    )
  }

  private static func seconds(since began: UInt64) -> String { rounded(Double(Clocks.monotonic - began) / 1e9, 1) }

  private func report(_ figures: [Figure]) {
    var usage = rusage()
    getrusage(CInt(RUSAGE_SELF.rawValue), &usage)
    if format == .json {
      var root = JSONObject()
      root.set(
        "figures",
        figures.map { figure in
          var object = JSONObject()
          object.set("name", figure.name)
          object.set("megabytesPerSecond", figure.megabytesPerSecond)
          object.set("megabytesPerCPUSecond", figure.megabytesPerCPUSecond)
          object.set("ceilingMegabytesPerSecond", figure.ceiling)
          return object
        })
      root.set("largestResidentKibibytes", UInt64(clamping: usage.ru_maxrss))
      output(root.text + "\n")
      return
    }
    for figure in figures {
      let (wall, cpu) = (rounded(figure.megabytesPerSecond, 0), rounded(figure.megabytesPerCPUSecond, 0))
      output(
        "  \(column(figure.name, 28))\(column(wall, 6, right: true)) MB/s, ceiling \(column(rounded(figure.ceiling, 0), 6, right: true)); \(column(cpu, 6, right: true)) MB a CPU second\n"
      )
    }
    output("  \(column("memory", 28))\(column(sizeText(UInt64(clamping: usage.ru_maxrss) << 10), 12, right: true))\n")
  }
}
