import Foundation
import Testing

/// The repository's own files.
struct Repository {
  /// Found from this file's place, so that the tests run from any directory.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().standardizedFileURL.path

  /// One text file, by its path from the root.
  struct File: Sendable, CustomTestStringConvertible {
    var path: String
    var text: String
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    var testDescription: String { path }
  }

  private static let textSuffixes = [
    "swift", "c", "h", "modulemap", "md", "toml", "service", "conf", "rules", "py", "sh", "json", "html", "txt", "yml",
    "yaml", "Makefile", "run",
  ]

  /// Every text file outside hidden and build directories, and outside what `make demo` leaves behind.
  static let files: [File] = {
    var result: [File] = []
    var directories = [""]
    while let directory = directories.popLast() {
      let full = directory.isEmpty ? root : "\(root)/\(directory)"
      for name in (try? FileManager.default.contentsOfDirectory(atPath: full))?.sorted() ?? [] {
        if name.hasPrefix("."), name != ".ci", name != ".gitignore" { continue }
        if name == "Package.resolved" || name == "__pycache__" || name == "stt-demo" { continue }
        let path = directory.isEmpty ? name : "\(directory)/\(name)"
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: "\(root)/\(path)", isDirectory: &isDirectory) else { continue }
        if isDirectory.boolValue {
          directories.append(path)
        } else if textSuffixes.contains(where: { name == $0 || name.hasSuffix(".\($0)") }),
          let data = FileManager.default.contents(atPath: "\(root)/\(path)"), let text = String(data: data, encoding: .utf8)
        {
          result.append(File(path: path, text: text))
        }
      }
    }
    return result.sorted { $0.path < $1.path }
  }()

  static func files(under folders: [String], suffixes: [String]) -> [File] {
    files.filter { file in
      folders.contains { file.path.hasPrefix($0 + "/") } && suffixes.contains { file.path.hasSuffix(".\($0)") }
    }
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: "\(root)/\(path)") }
}
