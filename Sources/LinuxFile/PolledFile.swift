import Glibc

/// A small text file kept open and read anew from its start each time.
final class PolledFile {
  /// More than any one file of procfs has on a board; a longer one is cut.
  static let largest = 1 << 20

  /// Where it is; it may have moved when its device came back.
  private(set) var path: String
  /// Whether the last ``refresh(now:)`` found the file gone.
  private(set) var isLost = false
  private let needsWholeFile: Bool
  private var descriptor: CInt = -1
  private var buffer: UnsafeMutableRawBufferPointer
  private var count = 0
  private var backoff = Backoff()
  private var retryAt: UInt64 = 0

  init(path: String, needsWholeFile: Bool) {
    self.path = path
    self.needsWholeFile = needsWholeFile
    // A sysfs attribute has at most one page.
    buffer = .allocate(byteCount: 4096, alignment: 16)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    buffer.deallocate()
  }

  /// What was read last, empty when it could not be. Valid until the next ``refresh(now:)``.
  var text: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[..<count]) }

  /// Whether the next ``refresh(now:)`` looks for the lost file again.
  func isSearching(now: UInt64) -> Bool { isLost && descriptor < 0 && now >= retryAt }

  func move(to path: String) { self.path = path }

  /// Reads the file, or opens it again when it is time to.
  ///
  /// - Returns: why the file was lost, only when this call found out.
  func refresh(now: UInt64) -> String? {
    count = 0
    if descriptor < 0 {
      guard now >= retryAt else { return nil }
      descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
      guard descriptor >= 0 else { return lose("open", errno, now) }
    }
    guard let error = read() else {
      isLost = false
      backoff.reset()
      return nil
    }
    switch error {
    case EAGAIN, EBUSY, EINVAL, ENODATA, EOPNOTSUPP, ETIMEDOUT:
      // The sensor has no value now; the file is well.
      isLost = false
      return nil
    default: return lose("read", error, now)
    }
  }

  /// The errno of a failed read. Allocates only when the file outgrew its buffer.
  private func read() -> CInt? {
    while true {
      let got = pread(descriptor, buffer.baseAddress, buffer.count - count, off_t(0))
      if got < 0 {
        if errno == EINTR { continue }
        return errno
      }
      count = got
      // sysfs gives all there is at once; procfs gives long files in pieces.
      guard needsWholeFile, got > 0 else { return nil }
      guard let error = readOn() else { return nil }
      guard error == E2BIG else { return error }
      let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: buffer.count * 2, alignment: 16)
      buffer.deallocate()
      buffer = larger
      count = 0
    }
  }

  /// Reads to the end of the file; `E2BIG` when the buffer is too small for it.
  private func readOn() -> CInt? {
    while true {
      guard count < buffer.count else { return buffer.count < Self.largest ? E2BIG : nil }
      let got = pread(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count, off_t(count))
      if got < 0 {
        if errno == EINTR { continue }
        count = 0
        return errno
      }
      if got == 0 { return nil }
      count += got
    }
  }

  private func lose(_ doing: String, _ error: CInt, _ now: UInt64) -> String? {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    retryAt = backoff.next(after: now)
    defer { isLost = true }
    return isLost ? nil : fileTrouble(doing, path, errno: error)
  }
}
