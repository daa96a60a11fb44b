internal import CLinux
import Glibc

/// A file, FIFO, device, socket or command's output, read from front to end without waiting.
final class ByteInput {
  enum Outcome {
    case bytes(Int)
    /// Nothing there now.
    case blocked
    /// The end of a regular file, or every writer of a FIFO has left.
    case end
    case failed(CInt)
  }

  let origin: ByteOrigin
  private(set) var descriptor: CInt = -1
  /// A regular file or block device: its bytes stay where they are and can be read again.
  private(set) var isRegular = false
  private(set) var isPipe = false
  /// Whether epoll tells when there is something to read. Not for regular files, nor `/dev/zero`.
  private(set) var isPollable = false
  /// Of a regular file: where the next read begins.
  var position: UInt64 = 0
  private var child: CommandProcess?

  init(_ origin: ByteOrigin) { self.origin = origin }

  deinit { close() }

  /// What it is called in messages.
  var path: String { origin.name }
  var isOpen: Bool { descriptor >= 0 }

  /// Opens it anew. A descriptor that was open is closed only afterwards: a FIFO whose last
  /// reader leaves forgets what is in it.
  ///
  /// - Returns: why it is refused, as a sentence.
  func open() -> String? {
    switch origin {
    case .file(let path):
      let opened = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
      guard opened >= 0 else { return fileTrouble("open", path, errno: errno) }
      var status = stat()
      guard fstat(opened, &status) == 0 else { return refuse(opened, fileTrouble("open", path, errno: errno)) }
      let type = status.st_mode & S_IFMT
      guard type != S_IFDIR else { return refuse(opened, fileTrouble("open", path, errno: EISDIR)) }
      take(opened)
      isRegular = type == S_IFREG || type == S_IFBLK
      isPipe = type == S_IFIFO
      isPollable = !isRegular && Self.isPollable(opened)
    case .serial(let line):
      do throws(SerialTrouble) { take(try line.open()) } catch { return error.description }
      isPollable = true
    case .socket(let path):
      let connected = clinux_unix_connect(path)
      guard connected >= 0 else { return fileTrouble("connect to", path, errno: -connected) }
      guard fcntl(connected, F_SETFL, fcntl(connected, F_GETFL) | O_NONBLOCK) >= 0 else {
        return refuse(connected, fileTrouble("connect to", path, errno: errno))
      }
      take(connected)
      isPollable = true
    case .command(let command):
      var opened: CInt = -1
      child?.end()
      child = CommandProcess(command, output: &opened)
      guard child != nil else {
        return
          "cannot start \(command.name): \(String(cString: strerror(-opened)))"
          + (-opened == ENOENT ? "; give its whole path, or install it" : "")
      }
      take(opened)
      isPollable = true
    }
    return nil
  }

  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
    child?.end()
    child = nil
  }

  /// How a command that has closed its output ended; `nil` when it runs on.
  var commandEnd: CommandProcess.End? { child?.endedSoon }

  private func refuse(_ opened: CInt, _ reason: String) -> String {
    Glibc.close(opened)
    return reason
  }

  private func take(_ opened: CInt) {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = opened
  }

  func read(into memory: UnsafeMutableRawPointer, count: Int) -> Outcome {
    while true {
      let got =
        isRegular
        ? pread(descriptor, memory, count, off_t(clamping: position)) : Glibc.read(descriptor, memory, count)
      if got > 0 {
        if isRegular { position += UInt64(got) }
        return .bytes(got)
      }
      if got == 0 { return .end }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .blocked
      default: return .failed(errno)
      }
    }
  }

  private static func isPollable(_ descriptor: CInt) -> Bool {
    let epoll = clinux_epoll_create()
    guard epoll >= 0 else { return true }
    defer { Glibc.close(epoll) }
    return clinux_epoll_control(epoll, CLINUX_EPOLL_ADD, descriptor, 1, 0) != -EPERM
  }
}
