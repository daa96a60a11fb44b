import ArgumentParser
import STTJSON
import STTRecord

struct CatalogueListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists segments: which hold these streams of this device between these times.",
    discussion: """
      With --streams, segments are listed that hold one of them in the time asked for. Of sealed segments the catalogue
      knows no streams: with a key they are looked into, up to the first message that fits; without one they are listed
      with a `?`.

      Exit codes: 0 listed, also where there is none; 2 the catalogue can't be used.
      """)

  @OptionGroup var options: CatalogueOptions
  @OptionGroup var keys: KeyOptions

  func run() throws {
    var folders = try options.folders()
    let holding: Set<String>
    do { holding = try options.look(into: &folders, try keys.sources()) } catch {
      writeToStandardError("stt catalogue: \(error)\n")
      throw ExitCode(2)
    }
    if options.format == .json {
      var root = JSONObject()
      root.set("segments", folders.flatMap { folder in folder.segments.map { json(folder, $0, holding) } })
      output(root.text + "\n")
      return
    }
    let width = max(6, folders.map(\.name.count).max() ?? 0)
    output(
      "\(column("folder", width))  \(column("from", 27))  \(column("lasts", 12, right: true))  \(column("size", 10, right: true))  \(column("messages", 10, right: true))  \(column("state", 10))  streams\n"
    )
    for folder in folders {
      for segment in folder.segments { output(text(folder, segment, width, holding)) }
    }
  }

  private func path(_ folder: CataloguedFolder, _ segment: CataloguedSegment) -> String {
    "\(options.root)/\(folder.name)/\(segment.name)"
  }

  private func text(
    _ folder: CataloguedFolder, _ segment: CataloguedSegment, _ width: Int, _ holding: Set<String>
  ) -> String {
    let first = segment.firstTime.map { UInt64(clamping: $0) }
    let last = UInt64(clamping: segment.lastTime ?? 0)
    var text = "\(column(folder.name, width))  \(column(first.map { timeText($0) } ?? "-", 27))"
    text += "  \(column(first.map { durationText(last > $0 ? last - $0 : 0) } ?? "-", 12, right: true))"
    text += "  \(column(sizeText(UInt64(clamping: segment.byteCount)), 10, right: true))"
    text +=
      "  \(column(segment.messageCount.map { "\($0)" } ?? "-", 10, right: true))  \(column(segment.state.rawValue, 10))"
    let path = path(folder, segment)
    return text + "  \(streams(segment, isHolding: holding.contains(path)))\n    \(path)\n"
  }

  private func streams(_ segment: CataloguedSegment, isHolding: Bool) -> String {
    let mark = options.streams.isEmpty ? "" : isHolding ? "(holds it) " : "? "
    if let seal = segment.seal { return "\(mark)sealed, opens with \(seal.slots)" }
    guard segment.tellsStreams else { return "\(mark)-" }
    return segment.streams.isEmpty ? "-" : Set(segment.streams.map(\.topic)).sorted().joined(separator: " ")
  }

  private func json(_ folder: CataloguedFolder, _ segment: CataloguedSegment, _ holding: Set<String>) -> JSONObject {
    var object = JSONObject()
    object.set("path", path(folder, segment))
    if !options.streams.isEmpty { object.set("holds", segment.tellsStreams || holding.contains(path(folder, segment))) }
    object.set("device", folder.device)
    object.set("purpose", folder.purpose)
    object.set("bytes", segment.byteCount)
    object.set("state", segment.state.rawValue)
    object.set("sealed", segment.seal != nil)
    if let time = segment.firstTime { object.set("firstReceivedNanoseconds", time) }
    if let time = segment.lastTime { object.set("lastReceivedNanoseconds", time) }
    if let count = segment.messageCount { object.set("messages", count) }
    object.set("chunks", segment.chunkCount)
    if let seal = segment.seal {
      object.set("slots", seal.slots)
      object.set("segment", seal.segment)
      if let head = seal.head { object.set("chainHead", head) }
      if let count = seal.sealCount { object.set("seals", count) }
    }
    guard segment.tellsStreams else { return object }
    object.set(
      "streams",
      segment.streams.map { stream in
        var line = JSONObject()
        line.set("name", stream.topic)
        line.set("schema", stream.schema)
        line.set("messages", stream.messageCount)
        line.set("missing", stream.missingCount)
        if let time = stream.firstTime { line.set("firstReceivedNanoseconds", time) }
        if let time = stream.lastTime { line.set("lastReceivedNanoseconds", time) }
        return line
      })
    return object
  }
}
