import CLinux
import Glibc

/// The calls by which the recorder changes what is on a disk. An answer below zero is an error's number,
/// negated, as the kernel gives it.
///
/// The recorder makes them on ``SystemDisk``. Tests note each, or let the n-th one fail.
public protocol Disk: AnyObject {
  /// A descriptor of a new file; the name must be free.
  func create(_ path: String) -> CInt
  /// A descriptor of a file that is there.
  func openToWrite(_ path: String) -> CInt
  /// The count of bytes written, which may be less than asked for.
  func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, at offset: UInt64) -> Int
  func truncate(_ descriptor: CInt, to byteCount: UInt64) -> CInt
  /// Waits until a file's bytes are on the disk. After a failure the kernel may have dropped them, and then says
  /// of the next sync that it succeeded.
  func sync(_ descriptor: CInt) -> CInt
  func close(_ descriptor: CInt)
  /// Makes new, changed and removed names in a directory durable.
  func syncDirectory(_ path: String) -> CInt
  func makeDirectory(_ path: String) -> CInt
  func rename(_ path: String, to new: String) -> CInt
  func remove(_ path: String) -> CInt
  /// Bytes an unprivileged user may still write; `nil` when the file system doesn't say.
  func freeByteCount(_ path: String) -> UInt64?

  /// Finds room for `byteCount` bytes of a file from `offset` on, so that they lie together. Its length stays.
  func reserve(_ byteCount: UInt64, of descriptor: CInt, at offset: UInt64)
  /// Gives back what is reserved behind a file's end.
  func release(_ descriptor: CInt, from byteCount: UInt64)
  /// Has the kernel begin to put bytes it was given on the disk, without waiting: a sync then has less to wait for.
  func beginSync(_ descriptor: CInt, at offset: UInt64, _ byteCount: UInt64)
}

/// What makes a disk faster and changes nothing that can be read back.
extension Disk {
  public func reserve(_ byteCount: UInt64, of descriptor: CInt, at offset: UInt64) {}
  public func release(_ descriptor: CInt, from byteCount: UInt64) {}
  public func beginSync(_ descriptor: CInt, at offset: UInt64, _ byteCount: UInt64) {}
}

/// The kernel's own calls.
public final class SystemDisk: Disk {
  public init() {}

  public func create(_ path: String) -> CInt {
    answer { Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640) }
  }

  public func openToWrite(_ path: String) -> CInt { answer { Glibc.open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW) } }

  public func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, at offset: UInt64) -> Int {
    let count = pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(clamping: offset))
    return count < 0 ? -Int(errno) : count
  }

  public func truncate(_ descriptor: CInt, to byteCount: UInt64) -> CInt {
    answer { ftruncate(descriptor, off_t(clamping: byteCount)) }
  }

  public func sync(_ descriptor: CInt) -> CInt { answer { fdatasync(descriptor) } }

  public func close(_ descriptor: CInt) { Glibc.close(descriptor) }

  public func syncDirectory(_ path: String) -> CInt {
    let descriptor = answer { Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { return descriptor }
    defer { Glibc.close(descriptor) }
    let result = answer { fsync(descriptor) }
    // Some file systems have nothing to sync in a directory.
    return result == -EINVAL ? 0 : result
  }

  public func makeDirectory(_ path: String) -> CInt { answer { mkdir(path, 0o750) } }
  public func rename(_ path: String, to new: String) -> CInt { answer { Glibc.rename(path, new) } }
  public func remove(_ path: String) -> CInt { answer { unlink(path) } }

  public func freeByteCount(_ path: String) -> UInt64? {
    var free: UInt64 = 0
    return clinux_free_bytes(path, &free) == 0 ? free : nil
  }

  public func reserve(_ byteCount: UInt64, of descriptor: CInt, at offset: UInt64) {
    clinux_reserve(descriptor, offset, byteCount)
  }

  public func release(_ descriptor: CInt, from byteCount: UInt64) { _ = truncate(descriptor, to: byteCount) }

  public func beginSync(_ descriptor: CInt, at offset: UInt64, _ byteCount: UInt64) {
    clinux_begin_sync(descriptor, offset, byteCount)
  }

  private func answer(_ call: () -> CInt) -> CInt {
    let result = call()
    return result < 0 ? -errno : result
  }
}
