internal import CLinux
import Glibc

/// A file, FIFO or character device read from front to end without waiting.
final class ByteInput {
  enum Outcome {
    case bytes(Int)
    /// Nothing there now.
    case blocked
    /// The end of a regular file, or every writer of a FIFO has left.
    case end
    case failed(CInt)
  }

  let path: String
  private(set) var descriptor: CInt = -1
  /// A regular file or block device: its bytes stay where they are and can be read again.
  private(set) var isRegular = false
  private(set) var isPipe = false
  /// Whether epoll tells when there is something to read. Not for regular files, nor `/dev/zero`.
  private(set) var isPollable = false
  /// Of a regular file: where the next read begins.
  var position: UInt64 = 0

  init(path: String) { self.path = path }

  deinit { close() }

  var isOpen: Bool { descriptor >= 0 }

  /// Opens the path anew. A descriptor that was open is closed only afterwards: a FIFO whose last
  /// reader leaves forgets what is in it.
  ///
  /// - Returns: the errno of the refusal.
  func open() -> CInt? {
    let opened = Glibc.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard opened >= 0 else { return errno }
    var status = stat()
    guard fstat(opened, &status) == 0 else {
      let error = errno
      Glibc.close(opened)
      return error
    }
    let type = status.st_mode & S_IFMT
    guard type != S_IFDIR else {
      Glibc.close(opened)
      return EISDIR
    }
    close()
    descriptor = opened
    isRegular = type == S_IFREG || type == S_IFBLK
    isPipe = type == S_IFIFO
    isPollable = !isRegular && Self.isPollable(opened)
    return nil
  }

  func close() {
    if descriptor >= 0 { Glibc.close(descriptor) }
    descriptor = -1
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
