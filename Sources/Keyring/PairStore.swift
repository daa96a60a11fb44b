import Glibc
public import STTBoard

/// A pair and the place it is kept at, for programs that change it: a new epoch, a promotion, an
/// overlap that passed.
public struct PairStore: Sendable {
  public let reference: PairReference
  public private(set) var pair: PairFile

  public init(_ loaded: LoadedPair) {
    reference = loaded.reference
    pair = loaded.pair
  }

  /// Whether changes can be kept: only a file can be written back.
  public var isFile: Bool { path != nil }

  private var path: String? {
    if case .file(let path) = reference { path } else { nil }
  }

  /// Changes the pair as it is on the disk now, under a lock that every program of ours takes, and is
  /// on the disk when this returns. Blocks. `false`: `change` had nothing to change.
  ///
  /// Throws, and changes nothing, when the pair is no file or can't be written.
  public mutating func update(_ change: (inout PairFile) throws(PairFlaw) -> Bool) throws(PairStoreError) -> Bool {
    guard let path else { throw .fixed(reference) }
    let (changed, isChanged) = try Self.update(path, change)
    guard changed.deviceID == pair.deviceID, changed.collectorID == pair.collectorID else { throw .otherPair(path: path) }
    pair = changed
    return isChanged
  }

  /// As ``update(_:)``, in memory alone: for a pair whose place can't be written.
  public mutating func updateInMemory(_ change: (inout PairFile) -> Bool) -> Bool { change(&pair) }

  /// Reads the file again, which somebody may have replaced. `false`: it is no file, or says the same
  /// epochs as before.
  public mutating func reload() throws(PairStoreError) -> Bool {
    guard let path else { return false }
    let new = try PairFile.load(reference).pair
    guard new.deviceID == pair.deviceID, new.collectorID == pair.collectorID else { throw .otherPair(path: path) }
    defer { pair = new }
    return new.epochs.map { [UInt64($0.number), UInt64($0.state.order)] }
      != pair.epochs.map { [UInt64($0.number), UInt64($0.state.order)] }
      || !zip(new.epochs, pair.epochs).allSatisfy { $0.seed.holdsSame(as: $1.seed) }
  }

  /// The same for a file that no program holds.
  public static func update(
    _ path: String, _ change: (inout PairFile) throws(PairFlaw) -> Bool
  ) throws(PairStoreError) -> (PairFile, isChanged: Bool) {
    let lock = try FolderLock(of: path)
    defer { lock.release() }
    var pair = try PairFile.load(.file(path: path)).pair
    let isChanged: Bool
    do throws(PairFlaw) { isChanged = try change(&pair) } catch { throw .flawed(place: path, error) }
    if isChanged { try pair.write(to: path, replacing: true) }
    return (pair, isChanged)
  }
}

extension SeedEpoch.State {
  fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Keeps two programs from changing one pair at once: each would write what the other had not seen.
private struct FolderLock {
  private let descriptor: CInt

  /// Waits until whoever has it is done, which takes one write to the disk.
  init(of path: String) throws(PairStoreError) {
    descriptor = open(split(path).directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .unreadable(place: path, code: errno) }
    while flock(descriptor, LOCK_EX) != 0 {
      guard errno == EINTR else {
        let code = errno
        close(descriptor)
        throw .unreadable(place: path, code: code)
      }
    }
  }

  func release() { close(descriptor) }
}
