import ArgumentParser
import STTCatalogue
import STTRecorder

struct CatalogueRebuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild",
    abstract: "Makes the catalogue anew from the files alone.",
    discussion: """
      It reads every segment's summary, no data and with no key. What the old catalogue said is forgotten. A collector may
      be recording meanwhile: it goes on with the new one.

      Exit codes: 0 made; 1 it can't be written; 2 there is no recording.
      """)

  @Argument(help: "The recordings' root.")
  var recordings: String

  func run() throws {
    let root = recordings.count > 1 && recordings.hasSuffix("/") ? String(recordings.dropLast()) : recordings
    let scan = RecordingScan(root: root)
    do { _ = try RecordingFiles.tracks(at: root) } catch {
      writeToStandardError("stt catalogue rebuild: \(error)\n")
      throw ExitCode(2)
    }
    let names = scan.folders()
    guard !names.isEmpty else {
      writeToStandardError(
        "stt catalogue rebuild: \(root) is no recordings' root: that has a folder for each device, and in it one for each purpose\n"
      )
      throw ExitCode(2)
    }
    do {
      let count = try make(scan, names)
      output("\(root)/\(Catalogue.fileName): \(count) segment(s) in \(names.count) folder(s)\n")
    } catch {
      writeToStandardError("stt catalogue rebuild: \(error)\n")
      throw ExitCode(1)
    }
  }

  private func make(_ scan: RecordingScan, _ names: [String]) throws(CatalogueError) -> Int {
    let catalogue = try open(scan.root)
    try catalogue.keepOnly(names)
    var count = 0
    for name in names {
      count += try catalogue.update(name, scan.listing(name).map { ($0.folder, $0.files) }, readsAll: true) {
        try scan.segment(name, $0)
      }
    }
    return count
  }

  private func open(_ root: String) throws(CatalogueError) -> Catalogue {
    do { return try Catalogue(root: root, .checking) } catch {
      guard error.isDamage else { throw error }
    }
    try Catalogue.remove(root: root)
    return try Catalogue(root: root, .checking)
  }
}
