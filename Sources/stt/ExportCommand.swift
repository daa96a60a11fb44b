import ArgumentParser
import STTJSON
import STTRecord
import STTSample

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a recording's messages as NDJSON or CSV to standard output.",
    discussion: """
      Plain recordings are MCAP files already: Foxglove, PlotJuggler and the `mcap` tools open them as they are.
      `stt unseal` makes plain ones of sealed ones.
        stt export recordings --to ndjson > all.ndjson
        stt export recordings --to csv --streams system/load > load.csv

      CSV takes one stream, because its columns are that stream's fields. Exit codes: 0 written; 2 it
      can't be: unreadable, or sealed and no key given opens it.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case ndjson, csv }

  @Argument(help: "A .mcap file, a device's folder, or the recordings' root.")
  var recording: String
  @Option(help: "ndjson or csv.")
  var to = Format.ndjson
  @Option(parsing: .upToNextOption, help: "Only these streams.")
  var streams: [String] = []
  @OptionGroup var keys: KeyOptions

  func validate() throws {
    if to == .csv, streams.count != 1 {
      throw ValidationError("--to csv needs exactly one stream: --streams NAME (`stt inspect` lists them)")
    }
  }

  func run() throws {
    do {
      var reader = MergedReader(try RecordingFiles.tracks(at: recording), keys: try keys.sources())
      let wanted = Set(streams)
      var header: [String]?
      while let (message, fields) = try reader.next() {
        guard wanted.isEmpty || wanted.contains(message.channel.topic) else { continue }
        if to == .ndjson {
          output(ReplayCommand.json(message, fields, reader.clock(of: message)).text + "\n")
        } else {
          writeRow(message, fields ?? [], &header)
        }
      }
    } catch {
      print("\(error)")
      throw ExitCode(2)
    }
  }

  private func writeRow(_ message: ReadMessage, _ fields: [DecodedField], _ header: inout [String]?) {
    let names = header ?? fields.map(\.name)
    if header == nil {
      header = names
      let units = Dictionary(fields.map { ($0.name, $0.unit) }) { first, _ in first }
      let titles = names.map { name in (units[name] ?? "").isEmpty ? name : "\(name) [\(units[name] ?? "")]" }
      output((["published", "message"] + titles).map(Self.cell).joined(separator: ",") + "\n")
    }
    let values = Dictionary(fields.map { ($0.name, valueText($0.value)) }) { first, _ in first }
    let row = [timeText(message.publishTime), "\(message.identity.number)"] + names.map { values[$0] ?? "" }
    output(row.map(Self.cell).joined(separator: ",") + "\n")
  }

  /// RFC 4180.
  private static func cell(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}
