public import STTBoard
import Glibc

/// Why a configuration could not be loaded.
public enum ConfigLoadError: Error, CustomStringConvertible {
  /// The file or directory could not be read; `reason` is the system's, `remedy` a sentence.
  case unreadable(path: String, reason: String, remedy: String)
  /// The text could be read and is wrong.
  case invalid(ConfigurationError)

  /// One problem a line.
  public var description: String {
    switch self {
    case .unreadable(let path, let reason, let remedy): "\(path): \(reason). \(remedy)"
    case .invalid(let error): error.description
    }
  }
}

/// A configuration file, and the `*.toml` files of the directory beside it that complete it.
///
/// For `/etc/stt/agent.toml` these lie in `/etc/stt/agent.conf.d`, are read in the order of their
/// names' bytes, and each overrides what came before (``merge(_:over:)``). The directory may be
/// absent. Reading blocks on the file system.
public struct ConfigFile: Sendable {
  public var path: String
  /// `nil` when only ``path`` is read.
  public var overridesDirectory: String?

  public init(_ path: String) {
    self.path = path
    let base = path.hasSuffix(".toml") ? String(path.dropLast(5)) : path
    overridesDirectory = base + ".conf.d"
  }

  /// The files that are read, in order.
  public func files() throws(ConfigLoadError) -> [String] {
    guard let directory = overridesDirectory else { return [path] }
    return [path] + (try tomlFiles(in: directory))
  }

  /// The merged tree, not yet checked for meaning.
  public func node() throws(ConfigLoadError) -> ConfigNode {
    var result: ConfigNode?
    for file in try files() {
      let bytes = try readFile(file)
      do {
        let node = try TOMLDocument.parse(bytes, source: file)
        result = result.map { merge(node, over: $0) } ?? node
      } catch {
        throw .invalid(error)
      }
    }
    return result ?? ConfigNode(.table(ConfigTable()), at: ConfigPosition(source: path))
  }

  /// - Parameter needsSources: `false` for whoever has sources of its own.
  public func agent(needsSources: Bool = true) throws(ConfigLoadError) -> AgentConfiguration {
    let node = try node()
    do { return try AgentConfiguration(node, needsSources: needsSources) } catch { throw .invalid(error) }
  }

  public func collector() throws(ConfigLoadError) -> CollectorConfiguration {
    let node = try node()
    do { return try CollectorConfiguration(node) } catch { throw .invalid(error) }
  }
}

extension AgentConfiguration {
  /// Reads a text that is part of the program or was made by it; `source` names it in messages.
  public init(toml: String, source: String) throws(ConfigurationError) {
    try self.init(TOMLDocument.parse(toml, source: source))
  }
}

extension CollectorConfiguration {
  /// Reads a text that is part of the program or was made by it; `source` names it in messages.
  public init(toml: String, source: String) throws(ConfigurationError) {
    try self.init(TOMLDocument.parse(toml, source: source))
  }
}

private func readFile(_ path: String) throws(ConfigLoadError) -> [UInt8] {
  // Non-blocking, so that a FIFO in its place is refused below and not waited for.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { throw unreadable(path, errno) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw unreadable(path, errno) }
  let kind = status.st_mode & S_IFMT
  if kind == S_IFDIR {
    throw .unreadable(path: path, reason: "is a directory", remedy: "Name the file, such as \(path)/agent.toml.")
  }
  guard kind == S_IFREG else {
    throw .unreadable(path: path, reason: "is no regular file", remedy: "Name a TOML text file.")
  }
  guard status.st_size <= TOMLDocument.maximumByteCount else {
    throw .unreadable(
      path: path, reason: "has \(status.st_size) bytes",
      remedy: "A configuration has at most \(TOMLDocument.maximumByteCount).")
  }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  // The file may grow while it is read, so its size is no promise.
  while bytes.count <= TOMLDocument.maximumByteCount {
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0 {
      if errno == EINTR { continue }
      throw unreadable(path, errno)
    }
    if count == 0 { break }
    bytes.append(contentsOf: chunk[..<count])
  }
  return bytes
}

private func tomlFiles(in directory: String) throws(ConfigLoadError) -> [String] {
  guard let stream = opendir(directory) else {
    if errno == ENOENT { return [] }
    throw unreadable(directory, errno)
  }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    // Editors leave hidden copies beside what they edit.
    if name.hasSuffix(".toml"), !name.hasPrefix(".") { names.append(name) }
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { "\(directory)/\($0)" }
}

private func unreadable(_ path: String, _ code: CInt) -> ConfigLoadError {
  let remedy: String
  switch code {
  case ENOENT: remedy = "Create it, or give the right path with --config."
  case EACCES: remedy = "Give this user the right to read it and to enter its directories."
  case ENOTDIR: remedy = "A part of its path is no directory."
  default: remedy = "Check the path and the disk."
  }
  return .unreadable(path: path, reason: String(cString: strerror(code)), remedy: remedy)
}
