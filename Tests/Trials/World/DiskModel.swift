/// What a disk may hold after power was cut: everything synced, and of the rest any sectors, in any order.
///
/// A file's bytes and its name are durable apart from one another: the name only once its directory was synced.
struct DiskModel {
  static let sectorByteCount = 512

  private enum Change {
    case write(Int, [UInt8])
    case truncate(Int)
  }

  private struct File {
    var durable: [UInt8] = []
    /// As every process sees it.
    var current: [UInt8] = []
    var pending: [Change] = []
  }

  private enum NameChange {
    case directory(String)
    case link(String, Int)
    case rename(String, String)
    case unlink(String)
  }

  private struct Names {
    var directories: Set<String> = [""]
    var files: [String: Int] = [:]

    mutating func apply(_ change: NameChange) {
      switch change {
      case .directory(let path): directories.insert(path)
      case .link(let path, let file): files[path] = file
      case .rename(let old, let new): if let file = files.removeValue(forKey: old) { files[new] = file }
      case .unlink(let path): files[path] = nil
      }
    }
  }

  /// A disk's content: directories, and files' bytes by path.
  struct Image {
    var directories: [String] = []
    var files: [String: [UInt8]] = [:]
  }

  private var files: [Int: File] = [:]
  private var durableNames = Names()
  private var currentNames = Names()
  private var pendingNames: [(directory: String, change: NameChange)] = []

  mutating func apply(_ event: TraceEvent) {
    switch event {
    case .makeDirectory(let path): change(.directory(path), in: Self.parent(path))
    case .create(let file, let path):
      files[file] = File()
      change(.link(path, file), in: Self.parent(path))
    case .write(let file, let offset, let bytes):
      Self.write(bytes, at: offset, &files[file, default: File()].current)
      files[file]?.pending.append(.write(offset, bytes))
    case .truncate(let file, let count):
      Self.resize(&files[file, default: File()].current, count)
      files[file]?.pending.append(.truncate(count))
    case .sync(let file):
      if let current = files[file]?.current { files[file]?.durable = current }
      files[file]?.pending.removeAll()
    case .syncDirectory(let path):
      for (directory, change) in pendingNames where directory == path { durableNames.apply(change) }
      pendingNames.removeAll { $0.directory == path }
    case .rename(let old, let new): change(.rename(old, new), in: Self.parent(old))
    case .remove(let path): change(.unlink(path), in: Self.parent(path))
    case .remember, .durable: break
    }
  }

  private mutating func change(_ change: NameChange, in directory: String) {
    currentNames.apply(change)
    pendingNames.append((directory, change))
  }

  /// As if everything written had reached the disk in order.
  var ordered: Image { image(currentNames) { $0.current } }

  /// Any of what was not synced is there, in part or not at all.
  func reordered(_ random: inout Dice) -> Image {
    var names = durableNames
    let isNameLost = random.below(3)
    for (_, change) in pendingNames where isNameLost == 0 || (isNameLost == 1 && random.below(2) == 0) {
      names.apply(change)
    }
    var contents: [Int: [UInt8]] = [:]
    // A dictionary's order differs from run to run, and a seed shall mean one image.
    for id in files.keys.sorted() { if let file = files[id] { contents[id] = Self.torn(file, &random) } }
    return image(names) { _ in
      nil
    } fallback: {
      contents[$0] ?? []
    }
  }

  private func image(
    _ names: Names, _ content: (File) -> [UInt8]?, fallback: (Int) -> [UInt8] = { _ in [] }
  ) -> Image {
    var image = Image()
    for path in names.directories.sorted() where isReachable(path, names) && !path.isEmpty { image.directories.append(path) }
    for (path, id) in names.files where isReachable(Self.parent(path), names) {
      image.files[path] = files[id].flatMap(content) ?? fallback(id)
    }
    return image
  }

  private func isReachable(_ directory: String, _ names: Names) -> Bool {
    directory.isEmpty || (names.directories.contains(directory) && isReachable(Self.parent(directory), names))
  }

  /// A file's durable bytes, and over them some sectors of what came later.
  private static func torn(_ file: File, _ random: inout Dice) -> [UInt8] {
    guard !file.pending.isEmpty else { return file.durable }
    var bytes = file.durable
    // Sectors that are there, of a hundred: few, half, most, or all but a few.
    let share = [3, 50, 90, 99][random.below(4)]
    for change in file.pending {
      switch change {
      case .truncate(let count): if random.below(100) < share { resize(&bytes, count) }
      case .write(let offset, let data):
        var from = 0
        while from < data.count {
          let end = min(data.count, from + sectorByteCount - (offset + from) % sectorByteCount)
          if random.below(100) < share {
            // One sector in thirty-two is torn itself.
            let whole = random.below(32) > 0 ? end : from + random.below(end - from + 1)
            write(Array(data[from..<whole]), at: offset + from, &bytes)
          }
          from = end
        }
      }
    }
    // The length may be on the disk though the bytes are not: they then read as zeros.
    if bytes.count < file.current.count, random.below(2) == 0 { resize(&bytes, file.current.count) }
    return bytes
  }

  private static func write(_ data: [UInt8], at offset: Int, _ bytes: inout [UInt8]) {
    guard !data.isEmpty else { return }
    if bytes.count < offset + data.count { resize(&bytes, offset + data.count) }
    bytes.replaceSubrange(offset..<offset + data.count, with: data)
  }

  private static func resize(_ bytes: inout [UInt8], _ count: Int) {
    if bytes.count > count {
      bytes.removeLast(bytes.count - count)
    } else {
      bytes.append(contentsOf: repeatElement(0, count: count - bytes.count))
    }
  }

  private static func parent(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }
}

/// Numbers by chance that a seed repeats (SplitMix64, Steele, Lea and Flood 2014).
public struct Dice {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  public mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(1, limit))) }
}
