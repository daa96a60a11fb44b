import Glibc

/// Another program, started with its standard output in our hands.
final class ChildProcess {
  struct CannotStart: Error, CustomStringConvertible {
    let path: String
    let number: CInt
    var description: String { "cannot start \(path): \(String(cString: strerror(number)))" }
  }

  let identifier: pid_t
  private let standardOutput: CInt
  private var buffered: [UInt8] = []
  private var status: CInt?

  /// - Parameter logPath: where its standard error goes; ours if `nil`.
  init(_ path: String, _ arguments: [String], logPath: String? = nil) throws {
    var ends: [CInt] = [0, 0]
    guard pipe(&ends) == 0 else { throw CannotStart(path: path, number: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    if let logPath { posix_spawn_file_actions_addopen(&actions, 2, logPath, O_WRONLY | O_CREAT | O_APPEND, 0o644) }
    var copies: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    var process = pid_t()
    let failed = posix_spawn(&process, path, &actions, nil, &copies, environ)
    for copy in copies { free(copy) }
    posix_spawn_file_actions_destroy(&actions)
    close(ends[1])
    guard failed == 0 else {
      close(ends[0])
      throw CannotStart(path: path, number: failed)
    }
    identifier = process
    standardOutput = ends[0]
  }

  deinit {
    if status == nil { kill(identifier, SIGKILL) }
    close(standardOutput)
    if status == nil { _ = wait() }
  }

  /// The next line it writes, or `nil` at its end. Blocks.
  func readLine() -> String? {
    while true {
      if let end = buffered.firstIndex(of: 10) {
        let line = String(decoding: buffered[..<end], as: UTF8.self)
        buffered.removeFirst(end + 1)
        return line
      }
      var part = [UInt8](repeating: 0, count: 4096)
      let count = read(standardOutput, &part, part.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return nil }
      buffered += part[..<count]
    }
  }

  func signal(_ number: CInt) { kill(identifier, number) }

  var isRunning: Bool {
    guard status == nil else { return false }
    var found: CInt = 0
    guard waitpid(identifier, &found, WNOHANG) == identifier else { return true }
    status = found
    return false
  }

  /// Its exit code; 128 and the signal's number if one killed it. Blocks.
  func wait() -> CInt {
    if status == nil {
      var found: CInt = 0
      while waitpid(identifier, &found, 0) < 0, errno == EINTR {}
      status = found
    }
    let found = status ?? 0
    return found & 0x7F == 0 ? found >> 8 & 0xFF : 128 + (found & 0x7F)
  }
}

/// The directory this program lies in, where its siblings are.
func programDirectory() -> String {
  var buffer = [CChar](repeating: 0, count: 4096)
  let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
  let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
}
