import Glibc

/// A directory in memory, gone with it.
public final class TrialDirectory {
  public let path: String

  public init() throws {
    var template = Array("/dev/shm/stt-trial-XXXXXX".utf8CString)
    if mkdtemp(&template) == nil {
      template = Array("/tmp/stt-trial-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw TrialFailure("cannot make a directory in /tmp: errno \(errno)") }
    }
    path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.remove(path) }

  /// Removes everything below, and what is there itself.
  static func remove(_ path: String) {
    if unlink(path) == 0 { return }
    for name in entries(path) { remove("\(path)/\(name)") }
    rmdir(path)
  }

  /// Makes `image` the content.
  func hold(_ image: DiskModel.Image) throws {
    for name in Self.entries(path) { Self.remove("\(path)/\(name)") }
    for directory in image.directories { mkdir("\(path)/\(directory)", 0o700) }
    for (name, bytes) in image.files {
      let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw TrialFailure("cannot make \(name): errno \(errno)") }
      defer { close(descriptor) }
      guard pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
        throw TrialFailure("cannot write \(name): errno \(errno)")
      }
    }
  }

  static func entries(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}

/// A promise that was broken, in words.
public struct TrialFailure: Error, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }
}
