import Glibc
import LinuxEvents
import STTRecorder

/// Files of a measurement, and the ceilings of reading and writing them.
enum BenchFolder {
  /// Removes a file, or a directory with everything in it.
  static func remove(_ path: String) throws {
    var info = stat()
    guard lstat(path, &info) == 0 else { return }
    if info.st_mode & S_IFMT == S_IFDIR {
      for name in names(path) { try remove("\(path)/\(name)") }
      guard rmdir(path) == 0 else { throw RecorderError(doing: "remove", path: path, number: errno) }
    } else if unlink(path) != 0 {
      throw RecorderError(doing: "remove", path: path, number: errno)
    }
  }

  /// Bytes of a file, or of all files in a directory.
  static func byteCount(_ path: String) -> UInt64 {
    var info = stat()
    guard lstat(path, &info) == 0 else { return 0 }
    guard info.st_mode & S_IFMT == S_IFDIR else { return UInt64(clamping: info.st_size) }
    return names(path).reduce(0) { $0 + byteCount("\(path)/\($1)") }
  }

  /// Files in a directory and those below; 1 for a file.
  static func fileCount(_ path: String) -> Int {
    var info = stat()
    guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else { return 1 }
    return max(1, names(path).reduce(0) { $0 + fileCount("\(path)/\($1)") })
  }

  private static func names(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Reads files to their ends and does nothing with them.
  static func read(_ paths: [String]) throws {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { block.deallocate() }
    for path in paths {
      let source = try FileSource(path)
      var offset: UInt64 = 0
      while offset < source.byteCount {
        let count = try source.read(at: offset, into: block)
        guard count > 0 else { break }
        offset += UInt64(count)
      }
    }
  }

  /// Seconds for writing `count` bytes to new files in a directory, as many to each; one is synced, more are not.
  static func write(_ count: UInt64, files: Int, to directory: String) throws -> Double {
    try ExportFolder.make(directory)
    let seconds = try (0..<files).reduce(0) {
      $0 + (try write(count / UInt64(files), to: "\(directory)/\($1)", syncs: files == 1))
    }
    return seconds
  }

  private static func write(_ count: UInt64, to path: String, syncs: Bool) throws -> Double {
    let block = [UInt8](repeating: 0x5A, count: 1 << 20)
    let began = Clocks.monotonic
    let file = try ByteOutput(creating: path)
    var left = count
    try block.withUnsafeBytes { block in
      while left > 0 {
        file.bytes(UnsafeRawBufferPointer(rebasing: block[..<Int(min(left, UInt64(block.count)))]))
        left -= min(left, UInt64(block.count))
        try file.check()
      }
    }
    if syncs { try file.finish() } else { try file.flush() }
    return Double(Clocks.monotonic - began) / 1e9
  }
}
