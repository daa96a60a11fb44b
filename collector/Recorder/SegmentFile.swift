import CLinux
import Glibc
import STTBuffers
import STTRecord

/// An open file and the bytes on their way into it.
final class SegmentFile {
  let path: String
  private let descriptor: CInt
  /// Whether bytes were written since the last sync.
  private(set) var isDirty = false

  /// Creates `path`, which must not exist, and makes its name durable.
  init(creating path: String, directory: String) throws(RecorderError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
    guard descriptor >= 0 else { throw RecorderError(doing: "create", path: path, number: errno) }
    syncDirectory(directory)
  }

  deinit { close(descriptor) }

  /// Writes all of `bytes` at `offset`. After an error nothing is promised beyond `offset`, and the
  /// same call may be made again.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(RecorderError) {
    guard let base = bytes.baseAddress else { return }
    var done = 0
    isDirty = true
    while done < bytes.count {
      let count = pwrite(descriptor, base + done, bytes.count - done, off_t(offset) + off_t(done))
      if count > 0 {
        done += count
      } else if count < 0, errno != EINTR {
        throw RecorderError(doing: "write to", path: path, number: errno)
      } else if count == 0 {
        throw RecorderError(doing: "write to", path: path, number: ENOSPC)
      }
    }
  }

  /// Waits until what was written is on the disk.
  func sync() throws(RecorderError) {
    guard isDirty else { return }
    while fdatasync(descriptor) != 0 {
      if errno == EINTR { continue }
      throw RecorderError(doing: "sync", path: path, number: errno)
    }
    isDirty = false
  }
}

/// Makes new and changed names in a directory durable, as far as the file system can.
func syncDirectory(_ path: String) {
  let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  fsync(descriptor)
  close(descriptor)
}

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
