import ArgumentParser
import STTCatalogue
import STTRecord
import STTRecorder

struct CatalogueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "catalogue",
    abstract: "Asks, checks and makes the index of recordings: which segments hold what, and when.",
    discussion: """
      A collector keeps it as `catalogue.sqlite` in its recordings' root. It is made from the files alone and nothing
      needs it: a recording is read, verified and replayed without. Of sealed segments it holds what they show without
      a key: device, times, sizes, the chain, and whose keys open them; no stream's name, no count of messages.

      Examples:
        stt catalogue list /var/lib/stt/recordings --device greenhouse-1 --streams 'camera*' \
          --from 2026-11-23T19:00:00Z --until 2026-11-23T20:00:00Z
        stt catalogue streams /var/lib/stt/recordings
        stt catalogue gaps /var/lib/stt/recordings --device greenhouse-1
        stt catalogue check /var/lib/stt/recordings --keys /var/lib/stt/collector/keys
        stt catalogue rebuild /var/lib/stt/recordings

      Exit codes are documented with each; 2 the catalogue can't be used; 64 wrong usage.
      """,
    subcommands: [
      CatalogueListCommand.self, CatalogueStreamsCommand.self, CatalogueGapsCommand.self, CatalogueCheckCommand.self,
      CatalogueRebuildCommand.self,
    ])
}

/// Which part of a catalogue is asked for.
struct CatalogueOptions: ParsableArguments {
  @Argument(help: "The recordings' root, where catalogue.sqlite lies.")
  var recordings: String
  @Option(help: ArgumentHelp("Only this device's.", valueName: "name"))
  var device: String?
  @Option(
    help: ArgumentHelp(
      "Only what was received from then on: a time such as 2026-11-23T19:06:00Z, or seconds after the first message of all.",
      valueName: "time"))
  var from: RecordingTime?
  @Option(help: ArgumentHelp("Only what was received before that time, in the same forms.", valueName: "time"))
  var until: RecordingTime?
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Only segments that hold these streams; * and ? stand for any characters.", valueName: "names"))
  var streams: [String] = []
  @Option(help: "text or json.")
  var format = OutputFormat.text

  /// The root without a slash at its end.
  var root: String { recordings.count > 1 && recordings.hasSuffix("/") ? String(recordings.dropLast()) : recordings }

  /// What the catalogue holds of it; a sentence and exit code 2 where it can't be used.
  func folders() throws -> [CataloguedFolder] {
    do { return try found() } catch {
      writeToStandardError("stt catalogue: \(error)\n")
      throw ExitCode(2)
    }
  }

  private func found() throws -> [CataloguedFolder] {
    let catalogue = try Catalogue(root: root, .reading)
    let query = try query(catalogue)
    return try catalogue.folders(query).map { chosen($0, query) }
  }

  private func query(_ catalogue: Catalogue) throws -> CatalogueQuery {
    let origin = UInt64(clamping: try catalogue.firstTime() ?? 0)
    var query = CatalogueQuery(device: device.map { RecordingFolder.component($0) })
    query.from = from.map { Int64(clamping: $0.time(origin)) }
    query.until = until.map { Int64(clamping: $0.time(origin)) }
    return query
  }

  /// Of segments that don't tell their streams, leaves out those in which `keys` find none of what was asked for.
  ///
  /// - Returns: paths of those that hold some of it.
  func look(into folders: inout [CataloguedFolder], _ keys: KeySources) throws -> Set<String> {
    guard !streams.isEmpty else { return [] }
    let query = try query(try Catalogue(root: root, .reading))
    func time(_ nanoseconds: Int64?) -> RecordingTime? { nanoseconds.map { .at(nanoseconds: UInt64(clamping: $0)) } }
    let look = SegmentLook(
      keys: keys, selection: ReadSelection(from: time(query.from), until: time(query.until), streams: streams))
    var holding: Set<String> = []
    for index in folders.indices {
      let folder = folders[index]
      folders[index].segments = folder.segments.filter { segment in
        let path = "\(root)/\(folder.name)/\(segment.name)"
        guard !segment.tellsStreams, segment.state != .damaged, let found = look.finds(path) else { return true }
        if found { holding.insert(path) }
        return found
      }
    }
    return holding
  }

  /// Leaves out plain segments without the streams asked for in the time asked for. What a sealed one holds, and
  /// one that is being recorded, can't be said.
  private func chosen(_ folder: CataloguedFolder, _ query: CatalogueQuery) -> CataloguedFolder {
    guard !streams.isEmpty else { return folder }
    var folder = folder
    folder.segments = folder.segments.compactMap { segment in
      guard segment.tellsStreams else { return segment }
      var segment = segment
      segment.streams.removeAll { stream in
        !streams.contains { ReadSelection.matches($0, topic: stream.topic) }
          || query.from.map { (stream.lastTime ?? .max) < $0 } ?? false
          || query.until.map { (stream.firstTime ?? .min) >= $0 } ?? false
      }
      let left = Set(segment.streams.map(\.topic))
      segment.gaps.removeAll { !left.contains($0.topic) }
      return segment.streams.isEmpty ? nil : segment
    }
    return folder
  }
}

extension CataloguedSegment {
  /// Whether its streams are known: neither sealed nor without a summary.
  var tellsStreams: Bool { seal == nil && (state == .finished || state == .recovered) }
}
