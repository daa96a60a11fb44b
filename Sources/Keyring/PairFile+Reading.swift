import Glibc
public import STTBoard

/// A pair, and what its owner should know about the way it came.
public struct LoadedPair: Sendable {
  public var pair: PairFile
  /// A sentence to log, or `nil`.
  public var warning: String?
}

extension PairFile {
  /// Reads the pair from where `reference` says. Blocks on files and descriptors. `env:` clears the
  /// variable and `fd:` closes the descriptor, so each can be read once.
  public static func load(_ reference: PairReference) throws(PairStoreError) -> LoadedPair {
    switch reference {
    case .file(let path):
      return LoadedPair(pair: try read(path, isGuardedBySystemd: false))
    case .credential(let name):
      guard let directory = getenv("CREDENTIALS_DIRECTORY") else { throw .noCredentialsDirectory(name: name) }
      return LoadedPair(pair: try read("\(String(cString: directory))/\(name)", isGuardedBySystemd: true))
    case .descriptor(let number):
      defer { close(number) }
      return LoadedPair(pair: try parse(number, place: "fd:\(number)"))
    case .environment(let name):
      return LoadedPair(
        pair: try takeVariable(name),
        warning:
          "The pair came from the environment (env:\(name)), where the same user's other programs and root could read it: use file: or credential: outside tests."
      )
    }
  }

  /// Reads every `*.pair` file of a directory, in the order of their names. One bad file does not
  /// hide the others: its error stands beside them.
  public static func loadAll(in directory: String) throws(PairStoreError) -> (pairs: [PairFile], failures: [PairStoreError])
  {
    guard let stream = opendir(directory) else { throw .unreadable(place: directory, code: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".pair"), !name.hasPrefix(".") { names.append(name) }
    }
    var pairs: [PairFile] = []
    var failures: [PairStoreError] = []
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      do {
        pairs.append(try read("\(directory)/\(name)", isGuardedBySystemd: false))
      } catch {
        failures.append(error)
      }
    }
    return (pairs, failures)
  }

  /// - Parameter isGuardedBySystemd: a credential lies in a directory only its unit can enter;
  ///   systemd grants access by ACL, which the group bits of the mode then show.
  private static func read(_ path: String, isGuardedBySystemd: Bool) throws(PairStoreError) -> PairFile {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else {
      throw errno == ELOOP ? .symbolicLink(path: path) : .unreadable(place: path, code: errno)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(place: path, code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular(path: path) }
    if !isGuardedBySystemd {
      guard status.st_mode & 0o077 == 0 else { throw .tooOpen(path: path, mode: status.st_mode) }
      guard status.st_uid == geteuid() || status.st_uid == 0 else {
        throw .foreignOwner(path: path, owner: status.st_uid)
      }
    }
    return try parse(descriptor, place: path)
  }

  private static func parse(_ descriptor: CInt, place: String) throws(PairStoreError) -> PairFile {
    // One byte more than allowed, to tell "exactly full" from "too large".
    guard let buffer = SecretBytes(count: maximumByteCount + 1) else { throw .flawed(place: place, .noMemory) }
    let count = try buffer.withUnsafeMutableBytes { (target) throws(PairStoreError) -> Int in
      var filled = 0
      while filled < target.count {
        let got = Glibc.read(descriptor, target.baseAddress.map { $0 + filled }, target.count - filled)
        if got < 0 {
          if errno == EINTR { continue }
          throw .unreadable(place: place, code: errno)
        }
        if got == 0 { break }
        filled += got
      }
      return filled
    }
    return try buffer.withUnsafeBytes { (bytes) throws(PairStoreError) -> PairFile in
      do throws(PairFlaw) {
        return try PairFile(text: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
      } catch {
        throw .flawed(place: place, error)
      }
    }
  }

  private static func takeVariable(_ name: String) throws(PairStoreError) -> PairFile {
    guard let value = getenv(name) else { throw .noVariable(name: name) }
    let length = strnlen(value, maximumByteCount + 1)
    defer {
      // /proc/PID/environ shows the memory itself, so unsetting alone would not hide it.
      explicit_bzero(value, strlen(value))
      unsetenv(name)
    }
    do throws(PairFlaw) {
      return try PairFile(text: UnsafeRawBufferPointer(start: value, count: length))
    } catch {
      throw .flawed(place: "env:\(name)", error)
    }
  }
}
