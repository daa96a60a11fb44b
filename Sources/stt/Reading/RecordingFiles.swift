import Glibc
import STTRecorder

/// The segments a person means by a path.
enum RecordingFiles {
  /// Segments of one folder, in order: they follow one another in time.
  struct Track {
    var folder: String
    var files: [String]
  }

  struct NothingThere: Error, CustomStringConvertible {
    let path: String
    var description: String {
      "there is no recording at \(path): give a .mcap file, a device's folder, or the recordings' root"
    }
  }

  /// A file is a track of its own; a folder is searched through.
  static func tracks(at path: String) throws -> [Track] {
    var info = stat()
    guard stat(path, &info) == 0 else { throw RecorderError(doing: "open", path: path, number: errno) }
    if info.st_mode & S_IFMT != S_IFDIR { return [Track(folder: path, files: [path])] }
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let found = folder(trimmed, depth: 0)
    guard !found.isEmpty else { throw NothingThere(path: path) }
    return found
  }

  private static func folder(_ path: String, depth: Int) -> [Track] {
    guard depth < 8, let directory = opendir(path) else { return [] }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    closedir(directory)
    names.sort()
    var tracks: [Track] = []
    // The running number orders segments even where the clock went backwards.
    let files = names.filter { $0.hasSuffix(".mcap") }.sorted { (number($0), $0) < (number($1), $1) }
    if !files.isEmpty { tracks.append(Track(folder: path, files: files.map { "\(path)/\($0)" })) }
    for name in names where !name.hasPrefix(".") && !name.hasSuffix(".mcap") {
      tracks += folder("\(path)/\(name)", depth: depth + 1)
    }
    return tracks
  }

  private static func number(_ name: String) -> UInt64 {
    let stem = name.dropLast(5)
    guard let dash = stem.lastIndex(of: "-") else { return 0 }
    return UInt64(stem[stem.index(after: dash)...]) ?? 0
  }
}
