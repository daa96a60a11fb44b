import Glibc
import STTCatalogue
import STTRecord
import STTRecorder

/// What the catalogue beside a recording knows that the recording may lack.
enum CatalogueWitness {
  /// Brings the catalogue below `root`, if there is one, to what these folders hold now; a sentence for the person where
  /// that fails, since recordings don't need it.
  static func update(below root: String, folders: Set<String>) {
    var info = stat()
    guard stat("\(root)/\(Catalogue.fileName)", &info) == 0 else { return }
    let scan = RecordingScan(root: root)
    do {
      let catalogue = try Catalogue(root: root, .keeping)
      for name in folders {
        try catalogue.update(name, scan.listing(name).map { ($0.folder, $0.files) }) { try scan.segment(name, $0) }
      }
    } catch {
      writeToStandardError("\(error)\n")
    }
  }

  /// A sentence for each segment that is named and not there; empty where there is no catalogue, or none to be used.
  static func missing(below root: String) -> [String] {
    var info = stat()
    let root = root.count > 1 && root.hasSuffix("/") ? String(root.dropLast()) : root
    guard stat("\(root)/\(Catalogue.fileName)", &info) == 0 else { return [] }
    do {
      let noted = try Catalogue(root: root, .reading).folders()
      let scan = RecordingScan(root: root)
      return noted.flatMap { folder in
        let listing = scan.listing(folder.name)
        let names = Set(listing?.files.map(\.name) ?? [])
        return folder.segments.filter { segment in
          !names.contains(segment.name) && segment.state != .damaged
            && segment.number > listing?.folder.removedThrough ?? 0
        }.map { "\(root)/\(folder.name)/\($0.name): is named by the catalogue and is not there" }
      }
    } catch {
      writeToStandardError("\(error)\n")
      return []
    }
  }
}
