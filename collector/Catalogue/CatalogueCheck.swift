public import STTRecord

/// Where a catalogue and what lies in the folders differ.
public struct CatalogueDifference: Hashable, Sendable, CustomStringConvertible {
  public enum Kind: String, Hashable, Sendable {
    /// The catalogue names a segment that isn't there.
    case missing
    /// The catalogue lacks a segment that is there: it was rolled back, or never brought up to date.
    case behind
    /// An entry says something else than its file.
    case differing
  }

  public var kind: Kind
  /// `device/purpose`, and the segment's name.
  public var folder: String
  public var segment: String
  public var what: String

  public var description: String { segment.isEmpty ? "\(folder): \(what)" : "\(folder)/\(segment) \(what)" }

  /// Whether a folder has the newest segment its collector remembers, as it closed it.
  ///
  /// - Parameters:
  ///   - segment: its 16 bytes, in hexadecimal digits.
  ///   - head: the chain's head, likewise; `nil` while it is being recorded.
  public static func remembered(_ folder: CataloguedFolder, segment: String, head: String?) -> CatalogueDifference? {
    guard let entry = folder.segments.first(where: { $0.seal?.segment == segment }) else {
      return CatalogueDifference(
        kind: .missing, folder: folder.name, segment: "",
        what: "segment \(segment), the newest the collector remembers, is not there")
    }
    guard let head, entry.seal?.head != head else { return nil }
    return CatalogueDifference(
      kind: .differing, folder: folder.name, segment: entry.name, what: "is not as the collector closed it")
  }

  /// Everything in which `catalogue` differs from what was `found`.
  public static func all(_ catalogue: [CataloguedFolder], _ found: [CataloguedFolder]) -> [CatalogueDifference] {
    let noted = Dictionary(catalogue.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let there = Dictionary(found.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    return Set(noted.keys).union(there.keys).sorted().flatMap { folder($0, noted[$0], there[$0]) }
  }

  private static func folder(
    _ name: String, _ noted: CataloguedFolder?, _ there: CataloguedFolder?
  ) -> [CatalogueDifference] {
    let entries = Dictionary((noted?.segments ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let files = Dictionary((there?.segments ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var differences: [CatalogueDifference] = []
    for segment in Set(entries.keys).union(files.keys).sorted(by: { key($0) < key($1) }) {
      let difference = difference(entries[segment], files[segment], removedThrough: there?.removedThrough ?? 0)
      if let (kind, what) = difference {
        differences.append(CatalogueDifference(kind: kind, folder: name, segment: segment, what: what))
      }
    }
    if let noted, let there, noted.setAside != there.setAside {
      differences.append(
        CatalogueDifference(kind: .differing, folder: name, segment: "", what: "other files are set aside than it says"))
    }
    return differences
  }

  private static func key(_ name: String) -> (Int64, String) {
    (CataloguedSegment(name: name, byteCount: 0, state: .finished).number, name)
  }

  private static func difference(
    _ entry: CataloguedSegment?, _ file: CataloguedSegment?, removedThrough: Int64
  ) -> (Kind, String)? {
    guard let entry else {
      return (.behind, "is there, and the catalogue lacks it: it was rolled back or is not up to date")
    }
    guard let file else {
      if entry.number <= removedThrough {
        return (.behind, "was removed to keep to limits, and the catalogue still has it: it is not up to date")
      }
      // One without a beginning is set aside by the collector's next start.
      return entry.state == .damaged
        ? (.behind, "is gone, and held nothing") : (.missing, "is named by the catalogue and is not there")
    }
    // It grows while it is recorded.
    if entry.state == .unfinished, file.state == .unfinished { return nil }
    if entry.state == .unfinished { return (.behind, "was ended since: the catalogue was rolled back or is not up to date") }
    guard entry != file else { return nil }
    return (.differing, "is not what the catalogue says: \(fields(entry, file).joined(separator: ", "))")
  }

  private static func fields(_ entry: CataloguedSegment, _ file: CataloguedSegment) -> [String] {
    var fields: [String] = []
    func compare<Value: Equatable>(_ name: String, _ left: Value, _ right: Value) {
      if left != right { fields.append(name) }
    }
    compare("size \(file.byteCount) instead of \(entry.byteCount)", entry.byteCount, file.byteCount)
    compare("state \(file.state.rawValue) instead of \(entry.state.rawValue)", entry.state, file.state)
    compare("another segment of the chain", entry.seal, file.seal)
    compare("other times", [entry.firstTime, entry.lastTime], [file.firstTime, file.lastTime])
    compare("other messages", [entry.messageCount, entry.chunkCount], [file.messageCount, file.chunkCount])
    compare("other data (checksum)", entry.checksum, file.checksum)
    compare("other streams", entry.streams, file.streams)
    compare("other gaps", entry.gaps, file.gaps)
    return fields
  }
}
