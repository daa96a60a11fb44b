import Glibc
public import STTRecord

/// What lies below a recordings' root, for the catalogue.
public struct RecordingScan: Sendable {
  /// A folder's files by name and size, unopened.
  public struct Listing: Sendable {
    public var folder: CataloguedFolder
    /// Oldest first.
    public var files: [(name: String, byteCount: Int64)] = []
  }

  public let root: String

  public init(root: String) { self.root = root }

  /// Names of all folders that have segments or had some, as `device/purpose`.
  public func folders() -> [String] {
    RecordingFolder.entries(root).flatMap { device in
      RecordingFolder.entries("\(root)/\(device)").map { "\(device)/\($0)" }.filter { isDirectory("\(root)/\($0)") }
    }
  }

  /// `nil` where there is no such folder.
  public func listing(_ name: String) -> Listing? {
    let parts = name.split(separator: "/").map(String.init)
    let path = "\(root)/\(name)"
    guard parts.count == 2, isDirectory(path) else { return nil }
    var listing = Listing(folder: CataloguedFolder(device: parts[0], purpose: parts[1]))
    if let removed = RemovedSegments(in: path) {
      listing.folder.removedThrough = Int64(clamping: RecordingFolder.number(removed.through) ?? 0)
    }
    let segments = RecordingFolder(path: path).segments()
    listing.files = segments.map { ($0, byteCount("\(path)/\($0)")) }
    listing.folder.setAside = RecordingFolder.entries(path).filter { $0.contains(".mcap.damaged") }
      .map { SetAsideFile(name: $0, byteCount: byteCount("\(path)/\($0)")) }
    return listing
  }

  /// What a segment's file shows without a key; `nil` where it is gone.
  public func segment(_ folder: String, _ name: String) throws -> CataloguedSegment? {
    let path = "\(root)/\(folder)/\(name)"
    let source: FileSource
    do throws(RecorderError) { source = try FileSource(path) } catch {
      if error.number == ENOENT { return nil }
      throw error
    }
    do {
      return try segment(source, path, name)
    } catch {
      // A disk that fails to read it: the others' entries shall not wait for this one.
      return CataloguedSegment(name: name, byteCount: Int64(clamping: source.byteCount), state: .damaged)
    }
  }

  private func segment(_ source: FileSource, _ path: String, _ name: String) throws -> CataloguedSegment {
    if let facts = try SegmentFacts.read(source, name: name) { return facts }
    var segment = CataloguedSegment(name: name, byteCount: Int64(clamping: source.byteCount), state: .unfinished)
    do { _ = try SegmentReader(source, decompressor: NoDecompression()) } catch let damage as SegmentDamage {
      if damage.kind == .altered { segment.state = .damaged }
    }
    segment.seal = try SealedSlots.of(path).map { CataloguedSeal($0) }
    return segment
  }

  /// Everything, read anew.
  public func everything() throws -> [CataloguedFolder] {
    try folders().compactMap { name in
      guard let listing = listing(name) else { return nil }
      var folder = listing.folder
      folder.segments = try listing.files.compactMap { try segment(name, $0.name) }
      return folder
    }
  }

  private func byteCount(_ path: String) -> Int64 {
    var info = stat()
    return stat(path, &info) == 0 ? Int64(info.st_size) : 0
  }

  private func isDirectory(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
  }
}
