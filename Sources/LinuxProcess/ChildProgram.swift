import Glibc

/// Another program of ours, running beside this one: what it writes comes as lines, and it is told that
/// nobody wants it any more by the end of its standard input. One thread's.
public final class ChildProgram {
  /// Why it could not be started.
  public struct CannotStart: Error, CustomStringConvertible {
    public let path: String
    public let number: CInt
    public var description: String { "cannot start \(path): \(String(cString: strerror(number)))" }
  }

  /// Longer lines are no lines of ours.
  private static let longestLine = 4_096

  /// Readable when there are lines, or the program has ended.
  public let descriptor: CInt
  private let identifier: pid_t
  private var buffered: [UInt8] = []
  private var isReaped = false

  /// - Parameter path: the program's file.
  public init(_ path: String, _ arguments: [String]) throws(CannotStart) {
    var ends: [CInt] = [-1, -1]
    let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw CannotStart(path: path, number: errno) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    // As from a shell: the signals this process blocks or ignores are not the other's to inherit.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    // A group of its own: Ctrl-C is for this process, which still has something to send when it comes.
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
    var copies: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    var process = pid_t()
    let failed = posix_spawn(&process, path, &actions, &attributes, &copies, environ)
    close(ends[1])
    guard failed == 0 else {
      close(ends[0])
      throw CannotStart(path: path, number: failed)
    }
    _ = fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK)
    descriptor = ends[0]
    identifier = process
  }

  deinit { close(descriptor) }

  /// What it has written since, line by line; `nil` when it has closed its output, as at its end.
  public func takeLines() -> [String]? {
    var isOpen = true
    var part = [UInt8](repeating: 0, count: 4096)
    while isOpen, buffered.count <= Self.longestLine * 16 {
      let count = read(descriptor, &part, part.count)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { break }
      if count <= 0 { isOpen = false } else { buffered += part[..<count] }
    }
    var lines: [String] = []
    while let end = buffered.firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(String(decoding: buffered[..<end], as: UTF8.self))
      buffered.removeFirst(end + 1)
    }
    if buffered.count > Self.longestLine { isOpen = false }
    return lines.isEmpty && !isOpen ? nil : lines
  }

  /// Tells it that nobody wants it any more; it may still finish what it has.
  public func release() { shutdown(descriptor, CInt(SHUT_RDWR)) }

  /// Ends it at once.
  public func end() { if !hasEnded { kill(identifier, SIGKILL) } }

  /// Whether it has ended. Until this was asked afterwards, the kernel keeps its remains.
  public var hasEnded: Bool {
    if isReaped { return true }
    var status: CInt = 0
    let found = waitpid(identifier, &status, WNOHANG)
    isReaped = found == identifier || found < 0 && errno == ECHILD
    return isReaped
  }

  /// Where a program lies that was installed beside this one.
  public static func sibling(_ name: String) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./") + name
  }
}
