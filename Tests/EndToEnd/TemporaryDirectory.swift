import Glibc

/// A directory of a test's own, gone with it. Its path is short: Unix sockets lie in it.
final class TemporaryDirectory: Sendable {
  struct CannotMake: Error { let number: CInt }

  let path: String

  init() throws {
    var template = Array("/tmp/stt-e2e-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer -> String? in
      guard let base = buffer.baseAddress, mkdtemp(base) != nil else { return nil }
      return String(cString: base)
    }
    guard let made else { throw CannotMake(number: errno) }
    path = made
  }

  deinit { Self.erase(path) }

  private static func erase(_ path: String) {
    if remove(path) == 0 || errno != ENOTEMPTY { return }
    for entry in Files.entries(of: path) { erase("\(path)/\(entry)") }
    remove(path)
  }
}

/// Small whole files.
enum Files {
  struct Trouble: Error, CustomStringConvertible {
    let path: String
    let number: CInt
    var description: String { "\(path): \(String(cString: strerror(number)))" }
  }

  static func entries(of path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Every file below `path` whose name ends in `suffix`.
  static func find(below path: String, suffix: String) -> [String] {
    entries(of: path).flatMap { name -> [String] in
      let inner = "\(path)/\(name)"
      return (name.hasSuffix(suffix) ? [inner] : []) + find(below: inner, suffix: suffix)
    }
  }

  static func write(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o600) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw Trouble(path: path, number: errno) }
    defer { close(descriptor) }
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw Trouble(path: path, number: errno) }
      done += count
    }
    // The process's mask must not decide what a test says about permissions.
    guard fchmod(descriptor, mode) == 0 else { throw Trouble(path: path, number: errno) }
  }

  static func write(_ path: String, _ text: String, mode: mode_t = 0o600) throws {
    try write(path, Array(text.utf8), mode: mode)
  }

  static func read(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Trouble(path: path, number: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &part, part.count)
      guard count >= 0 else { throw Trouble(path: path, number: errno) }
      if count == 0 { return bytes }
      bytes += part[..<count]
    }
  }

  /// What a file holds as text; nothing when it is not there (yet).
  static func text(_ path: String) -> String {
    String(decoding: (try? read(path)) ?? [], as: UTF8.self)
  }
}
