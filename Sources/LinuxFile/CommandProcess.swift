internal import CLinux
import Glibc

/// A command while it runs. It is told to end with its owner, and when the thread that started it ends.
final class CommandProcess {
  /// How it ended.
  enum End: Hashable {
    case code(CInt)
    case signal(CInt)

    var isFailure: Bool { self != .code(0) }

    var text: String {
      switch self {
      case .code(let code): "ended with exit code \(code)"
      case .signal(let signal): "was ended by signal \(signal)"
      }
    }
  }

  private let identifier: pid_t
  private var end_: End?

  /// - Parameter output: gets the pipe's end, or -errno when the command can't be started.
  init?(_ command: Command, output: inout CInt) {
    guard !command.arguments.isEmpty else {
      output = -EINVAL
      return nil
    }
    var copies: [UnsafeMutablePointer<CChar>?] = command.arguments.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    var process = pid_t()
    output = clinux_command_start(&copies, &process)
    guard output >= 0 else { return nil }
    identifier = process
  }

  /// How it ended, `nil` while it runs.
  var ended: End? {
    if let end_ { return end_ }
    var status: CInt = 0
    guard waitpid(identifier, &status, WNOHANG) == identifier else { return nil }
    let signal = status & 0x7F
    end_ = signal == 0 ? .code(status >> 8 & 0xFF) : .signal(signal)
    return end_
  }

  /// How it ended, of one that has closed its output: a process does that a moment before it can be asked, and on a busy board
  /// the moment is long. Taken for one that goes on, a failed one would not be started again.
  var endedSoon: End? {
    awaitEnd(milliseconds: 1000)
    return ended
  }

  private func awaitEnd(milliseconds: CInt) {
    guard end_ == nil else { return }
    _ = clinux_process_await(identifier, milliseconds)
  }

  /// Asks it and what it started to end, and waits for it a little: it had its chance to write.
  func end() {
    guard ended == nil else { return }
    kill(-identifier, SIGTERM)
    awaitEnd(milliseconds: 100)
    guard ended == nil else { return }
    kill(-identifier, SIGKILL)
    var status: CInt = 0
    waitpid(identifier, &status, 0)
    end_ = .signal(SIGKILL)
  }
}
