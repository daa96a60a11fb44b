import Glibc
import LinuxEvents
import STTRecorder

/// The kernel's own calls for one new file, whose bytes another thread writes while more of them are made.
///
/// An error shows at a later write or at the sync: for files that can be made again, and that nobody was promised.
final class WriteBehindDisk: Disk {
  private let disk = SystemDisk()
  private var behind: WriteBehind?
  /// Up to where bytes were handed over.
  private var end: UInt64 = 0

  func create(_ path: String) -> CInt {
    let descriptor = disk.create(path)
    // Without a thread they are written at once.
    if descriptor >= 0 { behind = try? WriteBehind(descriptor, isNew: true) }
    return descriptor
  }

  func openToWrite(_ path: String) -> CInt { disk.openToWrite(path) }

  func write(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt, at offset: UInt64) -> Int {
    guard let behind else { return disk.write(bytes, to: descriptor, at: offset) }
    guard offset == end else { return -Int(ESPIPE) }
    let failed = behind.append(bytes)
    guard failed == 0 else { return -Int(failed) }
    end += UInt64(bytes.count)
    return bytes.count
  }

  func truncate(_ descriptor: CInt, to byteCount: UInt64) -> CInt {
    // A file that could not be written whole does not grow by zeros.
    let failed = behind?.drain() ?? 0
    let there = failed == 0 ? byteCount : min(byteCount, behind?.writtenByteCount ?? byteCount)
    return disk.truncate(descriptor, to: there)
  }

  func sync(_ descriptor: CInt) -> CInt {
    let failed = behind?.drain() ?? 0
    return failed == 0 ? disk.sync(descriptor) : -failed
  }

  func close(_ descriptor: CInt) {
    behind = nil
    disk.close(descriptor)
  }

  func reserve(_ byteCount: UInt64, of descriptor: CInt, at offset: UInt64) {
    disk.reserve(byteCount, of: descriptor, at: offset)
  }

  func release(_ descriptor: CInt, from byteCount: UInt64) { _ = truncate(descriptor, to: byteCount) }

  func syncDirectory(_ path: String) -> CInt { disk.syncDirectory(path) }
  func makeDirectory(_ path: String) -> CInt { disk.makeDirectory(path) }
  func rename(_ path: String, to new: String) -> CInt { disk.rename(path, to: new) }
  func remove(_ path: String) -> CInt { disk.remove(path) }
  func freeByteCount(_ path: String) -> UInt64? { disk.freeByteCount(path) }
}
