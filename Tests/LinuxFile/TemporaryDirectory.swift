import Glibc

@testable import LinuxFile

/// A directory of a test's own, gone with it.
final class TemporaryDirectory {
  let path: String

  init() {
    var template = Array("/tmp/stt-file-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress, mkdtemp(base) != nil else { return "/tmp" }
      return String(cString: base)
    }
  }

  deinit {
    guard path != "/tmp" else { return }
    Self.erase(path)
  }

  private static func erase(_ path: String) {
    if remove(path) == 0 || errno != ENOTEMPTY { return }
    for entry in entries(of: path) { erase("\(path)/\(entry)") }
    remove(path)
  }

  /// Writes a file with its directories and answers its path.
  @discardableResult
  func write(_ name: String, _ content: [UInt8]) -> String {
    let file = "\(path)/\(name)"
    var index = path.utf8.count + 1
    let utf8 = Array(file.utf8)
    while let slash = utf8[index...].firstIndex(of: UInt8(ascii: "/")) {
      mkdir(String(decoding: utf8[..<slash], as: UTF8.self), 0o755)
      index = slash + 1
    }
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    var offset = 0
    while offset < content.count {
      let written = content.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress.map { $0 + offset }, $0.count - offset)
      }
      if written <= 0 { break }
      offset += written
    }
    close(descriptor)
    return file
  }

  @discardableResult
  func write(_ name: String, _ content: String) -> String { write(name, Array(content.utf8)) }

  func fifo(_ name: String) -> String {
    let file = "\(path)/\(name)"
    mkfifo(file, 0o600)
    return file
  }
}
