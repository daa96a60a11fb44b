import Glibc
import STTRecord

/// `<root>/<device>/<purpose>`: the segments of one device's streams of one purpose.
public struct RecordingFolder {
  let path: String

  /// A name from the network as one path component: letters, digits, `.`, `_` and `-`, never hidden,
  /// never empty, at most 64 bytes. Names that differ only in what is replaced get a mark.
  public static func component(_ name: String) -> String {
    var text = ""
    var replaced = false
    for byte in name.utf8.prefix(64) {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        text.append(Character(UnicodeScalar(byte)))
      case UInt8(ascii: ".") where !text.isEmpty:
        text.append(".")
      default:
        text.append("_")
        replaced = true
      }
    }
    if !replaced, !text.isEmpty, name.utf8.count <= 64 { return text }
    var hash: UInt32 = 2_166_136_261
    for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return "\(text.isEmpty ? "unnamed" : text)-\(String(hash, radix: 16))"
  }

  /// Where the recordings of `device` and `purpose` go, below `root`.
  init(root: String, device: String, purpose: String) {
    path = "\(root)/\(Self.component(device))/\(Self.component(purpose))"
  }

  init(path: String) { self.path = path }

  /// Makes the folder and what is above it, below the root, and their names durable.
  func make(on disk: any Disk) throws(RecorderError) {
    for directory in [parent(of: path), path] {
      let made = disk.makeDirectory(directory)
      guard made >= 0 || made == -EEXIST else {
        throw RecorderError(doing: "make the directory", path: directory, number: -made)
      }
      // Also where it was there: whoever made it may have been killed before its name was durable.
      let synced = disk.syncDirectory(parent(of: directory))
      guard synced >= 0 else {
        throw RecorderError(doing: "sync the directory of", path: directory, number: -synced)
      }
    }
  }

  /// Names of its segments, oldest first.
  func segments() -> [String] {
    Self.entries(path).filter { $0.hasSuffix(".mcap") && Self.number($0) != nil }.sorted {
      (Self.number($0) ?? 0) < (Self.number($1) ?? 0)
    }
  }

  /// Names in a directory, without hidden ones; empty when it can't be read.
  static func entries(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// The running number in `2026-11-23T19-06-00Z-000042.mcap`.
  static func number(_ name: String) -> UInt64? {
    let stem = name.dropLast(5)
    guard let dash = stem.lastIndex(of: "-") else { return nil }
    return UInt64(stem[stem.index(after: dash)...])
  }

  /// When the segment of this name was begun, nanoseconds since 1970.
  static func began(_ name: String) -> UInt64? {
    let parts = name.prefix(19).split { "-T".contains($0) }.compactMap { CInt($0) }
    guard parts.count == 6 else { return nil }
    var time = tm()
    (time.tm_year, time.tm_mon, time.tm_mday) = (parts[0] &- 1900, parts[1] &- 1, parts[2])
    (time.tm_hour, time.tm_min, time.tm_sec) = (parts[3], parts[4], parts[5])
    let (nanoseconds, overflow) = UInt64(clamping: timegm(&time)).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? nil : nanoseconds
  }

  /// The UTC day of `wall`, nanoseconds since 1970, as `2026-11-23`.
  static func day(wall: UInt64) -> String { String(timestamp(wall).prefix(10)) }

  /// `device/purpose`, as components of a path.
  var name: String { path.split(separator: "/").suffix(2).joined(separator: "/") }
  var purpose: String { path.split(separator: "/").last.map(String.init) ?? "" }
  var device: String { path.split(separator: "/").dropLast().last.map(String.init) ?? "" }

  /// The next segment's name; `wall` is nanoseconds since 1970.
  func nextName(wall: UInt64) -> String {
    // Also of files that were set aside: their names are not used again.
    let last =
      Self.entries(path).compactMap { name in
        name.firstRange(of: ".mcap").flatMap { Self.number(String(name[..<$0.upperBound])) }
      }.max() ?? 0
    let number = String(last + 1)
    let padded = String(repeating: "0", count: max(0, 6 - number.count)) + number
    return "\(Self.timestamp(wall))-\(padded).mcap"
  }

  private static func timestamp(_ wall: UInt64) -> String {
    var seconds = time_t(clamping: wall / 1_000_000_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ value: CInt) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return
      "\(1900 + Int(parts.tm_year))-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T\(two(parts.tm_hour))-\(two(parts.tm_min))-\(two(parts.tm_sec))Z"
  }
}
