import CLinux
import Glibc
import Synchronization

/// A running program of ours; its output goes to files. It is killed when nobody wants it any more.
final class Program: Sendable {
  struct CannotStart: Error, CustomStringConvertible {
    let description: String
  }

  let identifier: pid_t
  let name: String
  private let outputPath: String
  private let errorPath: String
  private let code = Mutex<CInt?>(nil)

  /// - Parameters:
  ///   - path: a program's path, or one of our programs' names.
  ///   - log: files `<log>.out` and `<log>.err` are made.
  ///   - standardOutput: a descriptor that replaces `<log>.out`.
  init(_ path: String, _ arguments: [String], log: String, standardOutput: CInt? = nil) throws {
    guard let programs = Programs.directory else {
      throw CannotStart(description: "the programs are not built: run `swift build`, or set STT_TEST_PROGRAMS")
    }
    let program = path.contains("/") ? path : "\(programs)/\(path)"
    name = path
    outputPath = "\(log).out"
    errorPath = "\(log).err"
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    if let standardOutput {
      posix_spawn_file_actions_adddup2(&actions, standardOutput, 1)
    } else {
      posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    }
    posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    // Nor are the sockets and pipes of tests that run beside this one.
    _ = clinux_spawn_close_from(&actions, 3)
    // As from a shell: whatever this process blocks or ignores is not theirs to inherit.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    // In a group with what it starts itself, so that nothing of it is left behind.
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
    var copies: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    var process = pid_t()
    let failed = posix_spawn(&process, program, &actions, &attributes, &copies, environ)
    guard failed == 0 else {
      throw CannotStart(description: "cannot start \(program): \(String(cString: strerror(failed)))")
    }
    identifier = process
  }

  deinit {
    if exitCode == nil {
      kill(-identifier, SIGKILL)
      var status: CInt = 0
      while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
    }
  }

  func signal(_ number: CInt) {
    if exitCode == nil { kill(identifier, number) }
  }

  /// Its exit code, 128 and the signal's number if one killed it, `nil` while it runs.
  var exitCode: CInt? {
    code.withLock { code in
      var status: CInt = 0
      if code == nil, waitpid(identifier, &status, WNOHANG) == identifier {
        code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
      }
      return code
    }
  }

  /// Waits for its end; the longest of them are benchmarks on a machine that other tests keep busy.
  func ended() async throws -> CInt {
    var found: CInt?
    try await eventually("\(name) ends\n\(standardError.suffix(4000))", within: .seconds(300)) {
      found = exitCode
      return found != nil
    }
    return found ?? -1
  }

  var standardOutput: String { Files.text(outputPath) }
  var standardError: String { Files.text(errorPath) }
}

/// What a program that ran to its end said.
struct Outcome: CustomStringConvertible {
  var code: CInt
  var output: String
  var error: String

  var description: String { "exit code \(code)\n\(output)\(error)" }
  /// Both, for sentences that may be in either.
  var said: String { output + error }
}
