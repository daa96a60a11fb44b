import Glibc
import LinuxEvents
import STTRecorder

/// What a disk takes of one plain file written from its beginning to its end.
struct DiskCeiling {
  static let syncedByteCount = 64 << 20

  var megabytesPerSecond: Double
  var cpuSecondsPerGigabyte: Double

  /// What was written over `seconds`, written in blocks of 1 MiB and synced every 64 MiB and at the end; the file is
  /// removed.
  static func measure(seconds: Int, path: String) throws -> DiskCeiling {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw RecorderError(doing: "create", path: path, number: errno) }
    defer {
      close(descriptor)
      unlink(path)
    }
    let block = [UInt8](repeating: 0x5A, count: 1 << 20)
    let (began, used) = (Clocks.monotonic, Clocks.processCPU)
    let end = began + UInt64(seconds) * 1_000_000_000
    var total = 0
    while Clocks.monotonic < end {
      let count = write(descriptor, block, block.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw RecorderError(doing: "write to", path: path, number: count < 0 ? errno : ENOSPC) }
      let before = total / syncedByteCount
      total += count
      if total / syncedByteCount > before { try sync(descriptor, path) }
    }
    try sync(descriptor, path)
    return DiskCeiling(
      megabytesPerSecond: Double(total) / 1e6 / (Double(Clocks.monotonic - began) / 1e9),
      cpuSecondsPerGigabyte: Double(Clocks.processCPU - used) / Double(max(1, total)))
  }

  private static func sync(_ descriptor: CInt, _ path: String) throws {
    while fdatasync(descriptor) != 0 {
      guard errno == EINTR else { throw RecorderError(doing: "sync", path: path, number: errno) }
    }
  }
}
