import Glibc
import STTBoard

/// A small secret text as it came from a file, a descriptor or a variable, every copy of it in locked
/// memory.
struct SecretText {
  var bytes: SecretBytes
  /// What messages call the place it came from.
  var place: String
  /// A sentence to log, or `nil`.
  var warning: String?

  /// Reads it from where `reference` says; `what` it is called in sentences. One byte more than `limit`
  /// may come back, for the parser to refuse.
  static func load(_ reference: PairReference, what: String, atMost limit: Int) throws(PairStoreError) -> SecretText {
    switch reference {
    case .file(let path):
      return SecretText(bytes: try read(path, isGuardedBySystemd: false, atMost: limit), place: path)
    case .credential(let name):
      guard let directory = getenv("CREDENTIALS_DIRECTORY") else { throw .noCredentialsDirectory(name: name) }
      let path = "\(String(cString: directory))/\(name)"
      return SecretText(bytes: try read(path, isGuardedBySystemd: true, atMost: limit), place: path)
    case .descriptor(let number):
      defer { close(number) }
      return SecretText(bytes: try read(number, place: "fd:\(number)", atMost: limit), place: "fd:\(number)")
    case .environment(let name):
      return SecretText(
        bytes: try takeVariable(name, atMost: limit), place: "env:\(name)",
        warning:
          "The \(what) came from the environment (env:\(name)), where the same user's other programs and root could read it: use file: or credential: outside tests."
      )
    }
  }

  /// - Parameter isGuardedBySystemd: a credential lies in a directory only its unit can enter;
  ///   systemd grants access by ACL, which the group bits of the mode then show.
  static func read(_ path: String, isGuardedBySystemd: Bool, atMost limit: Int) throws(PairStoreError) -> SecretBytes {
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
    return try read(descriptor, place: path, atMost: limit)
  }

  private static func read(_ descriptor: CInt, place: String, atMost limit: Int) throws(PairStoreError) -> SecretBytes {
    // One byte more than allowed, to tell "exactly full" from "too large".
    guard let buffer = SecretBytes(count: limit + 1) else { throw .flawed(place: place, .noMemory) }
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
    return try exactly(buffer, count, place: place)
  }

  private static func takeVariable(_ name: String, atMost limit: Int) throws(PairStoreError) -> SecretBytes {
    guard let value = getenv(name) else { throw .noVariable(name: name) }
    let length = strnlen(value, limit + 1)
    defer {
      // /proc/PID/environ shows the memory itself, so unsetting alone would not hide it.
      explicit_bzero(value, strlen(value))
      unsetenv(name)
    }
    guard let copy = SecretBytes(count: length) else { throw .flawed(place: "env:\(name)", .noMemory) }
    copy.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(start: value, count: length)) }
    return copy
  }

  private static func exactly(_ buffer: SecretBytes, _ count: Int, place: String) throws(PairStoreError) -> SecretBytes {
    guard let exact = SecretBytes(count: count) else { throw .flawed(place: place, .noMemory) }
    buffer.withUnsafeBytes { source in
      exact.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<count])) }
    }
    return exact
  }
}
