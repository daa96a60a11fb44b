import Glibc
public import STTRecord

/// A file to read anywhere in.
public final class FileSource: ByteSource {
  private let descriptor: CInt
  public let path: String
  public let byteCount: UInt64

  public init(_ path: String) throws(RecorderError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw RecorderError(doing: "open", path: path, number: errno) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else {
      let number = errno
      close(descriptor)
      throw RecorderError(doing: "read", path: path, number: number)
    }
    guard info.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw RecorderError(doing: "read", path: path, number: EISDIR)
    }
    byteCount = UInt64(info.st_size)
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
  }

  deinit { close(descriptor) }

  public func read(at offset: UInt64, into destination: UnsafeMutableRawBufferPointer) throws -> Int {
    guard let base = destination.baseAddress, offset <= UInt64(Int64.max) else { return 0 }
    var done = 0
    while done < destination.count {
      let count = pread(descriptor, base + done, destination.count - done, off_t(offset) + off_t(done))
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw RecorderError(doing: "read", path: path, number: errno)
      }
      done += count
    }
    return done
  }
}
