import ArgumentParser
import STC
import STTCatalogue
import STTJSON
import STTKeyring
import STTRecord
import STTRecorder

struct CatalogueCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract:
      "Holds the catalogue against the folders: a rolled-back one lacks segments, a rolled-back folder lacks others.",
    discussion: """
      Every entry is compared with what its file says: times, counts, checksums, the chain. `stt verify` checks the files
      themselves. With --keys the newest segments that the collector remembers have to be there too, which shows when
      catalogue and folders were rolled back together. A collector that is recording may be a moment ahead of its
      catalogue.

      Exit codes: 0 they agree; 4 an entry says something else than its file; 6 a segment is named and is not there; \
      8 segments are there that the catalogue lacks: it was rolled back, or is not up to date; 2 there is no catalogue, \
      or it is damaged: `stt catalogue rebuild` makes it anew.
      """)

  @Argument(help: "The recordings' root, where catalogue.sqlite lies.")
  var recordings: String
  @Option(
    help: ArgumentHelp("The collector's keystore: it remembers the newest segment of each folder.", valueName: "directory"))
  var keys: String?
  @Option(help: "text or json.")
  var format = OutputFormat.text

  func run() throws {
    let root = recordings.count > 1 && recordings.hasSuffix("/") ? String(recordings.dropLast()) : recordings
    var differences: [CatalogueDifference]
    let count: Int
    do {
      let noted = try Catalogue(root: root, .reading).folders()
      let found = try RecordingScan(root: root).everything()
      differences = CatalogueDifference.all(noted, found)
      if let keys { differences += try Self.remembered(noted, found, RecordingKeystore(keys)) }
      count = noted.reduce(0) { $0 + $1.segments.count }
    } catch {
      writeToStandardError("stt catalogue check: \(error)\n")
      throw ExitCode(2)
    }
    if format == .json {
      var object = JSONObject()
      object.set("agrees", differences.isEmpty)
      object.set("segments", count)
      object.set("differences", differences.map(Self.json))
      output(object.text + "\n")
    } else {
      for difference in differences { output("\(root)/\(difference)\n") }
      output(
        differences.isEmpty
          ? "the catalogue agrees with the folders: \(count) segment(s)\n" : "\(differences.count) difference(s)\n")
    }
    if differences.contains(where: { $0.kind == .missing }) { throw ExitCode(6) }
    if differences.contains(where: { $0.kind == .differing }) { throw ExitCode(4) }
    if !differences.isEmpty { throw ExitCode(8) }
  }

  /// Newest segments that the keystore knows and the folders don't have, or in another state.
  private static func remembered(
    _ noted: [CataloguedFolder], _ found: [CataloguedFolder], _ store: RecordingKeystore
  ) throws -> [CatalogueDifference] {
    _ = try store.days()
    let gone = noted.filter { folder in !found.contains { $0.name == folder.name } }
    return try (found + gone.map { CataloguedFolder(device: $0.device, purpose: $0.purpose) }).compactMap { folder in
      guard let newest = try store.head(folder.name).flatMap({ ChainHead(text: $0) }) else { return nil }
      return CatalogueDifference.remembered(
        folder, segment: Digits.text(newest.segment), head: newest.head.map { Digits.text($0) })
    }
  }

  private static func json(_ difference: CatalogueDifference) -> JSONObject {
    var object = JSONObject()
    object.set("kind", difference.kind.rawValue)
    object.set("folder", difference.folder)
    object.set("segment", difference.segment)
    object.set("what", difference.what)
    return object
  }
}
