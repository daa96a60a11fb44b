import Glibc
import STTRecord

/// An open file and the bytes on their way into it.
final class SegmentFile {
  /// Room is reserved as files grow, and never more than this ahead: small ones get none.
  private static let leastReserve: UInt64 = 1 << 20
  private static let largestReserve: UInt64 = 16 << 20
  /// The kernel begins to write so many bytes at a time; fewer are left to the sync.
  private static let extentByteCount: UInt64 = 4 << 20

  let path: String
  private let disk: any Disk
  private let descriptor: CInt
  /// Whether bytes were written since the last sync.
  private(set) var isDirty = false
  private var isNamed = false
  /// What was written since the last sync, to be written again after a sync that failed.
  private var unsynced: [UInt8] = []
  private var unsyncedOffset: UInt64 = 0
  private let keepsUnsynced: Bool
  /// Room is reserved, and given back, only behind what was all written here.
  private let isNew: Bool
  private var reserved: UInt64 = 0
  private var end: UInt64 = 0
  /// Up to where the kernel was asked to begin writing.
  private var begun: UInt64 = 0
  private var mustRewrite = false

  /// Creates `path`, which must not exist.
  ///
  /// - Parameter keepsUnsynced: whether a sync that failed can be made good here: by nobody where a copy can be made
  ///   again, or by the caller who has the bytes.
  init(creating path: String, on disk: any Disk, keepsUnsynced: Bool = true) throws(RecorderError) {
    self.path = path
    self.disk = disk
    self.keepsUnsynced = keepsUnsynced
    isNew = true
    descriptor = disk.create(path)
    guard descriptor >= 0 else { throw RecorderError(doing: "create", path: path, number: -descriptor) }
  }

  /// Opens `path`, which must exist.
  init(opening path: String, on disk: any Disk) throws(RecorderError) {
    self.path = path
    self.disk = disk
    keepsUnsynced = true
    isNamed = true
    isDirty = true
    isNew = false
    descriptor = disk.openToWrite(path)
    guard descriptor >= 0 else { throw RecorderError(doing: "open", path: path, number: -descriptor) }
  }

  deinit {
    guard descriptor >= 0 else { return }
    release()
    disk.close(descriptor)
  }

  /// Makes the file's name durable.
  func syncName() throws(RecorderError) {
    guard !isNamed else { return }
    let result = disk.syncDirectory(parent(of: path))
    guard result >= 0 else { throw RecorderError(doing: "sync the directory of", path: path, number: -result) }
    isNamed = true
  }

  /// Writes all of `bytes` at `offset`, behind what was written before. After an error nothing is promised beyond
  /// `offset`, and the same call may be made again.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(RecorderError) {
    isDirty = true
    reserve(offset + UInt64(bytes.count))
    try put(bytes, at: offset)
    if end - min(begun, end) >= Self.extentByteCount {
      disk.beginSync(descriptor, at: begun, end - begun)
      begun = end
    }
    guard keepsUnsynced else { return }
    if unsynced.isEmpty { unsyncedOffset = offset }
    unsynced.append(contentsOf: bytes)
  }

  private func reserve(_ needed: UInt64) {
    guard isNew, needed > Self.leastReserve, needed > reserved else { return }
    let start = max(end, reserved)
    reserved = needed + min(needed, Self.largestReserve)
    disk.reserve(reserved - start, of: descriptor, at: start)
  }

  /// Gives back what was reserved and not needed.
  private func release() {
    if reserved > end { disk.release(descriptor, from: end) }
    reserved = 0
  }

  private func put(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(RecorderError) {
    var rest = bytes
    var place = offset
    while !rest.isEmpty {
      let count = disk.write(rest, to: descriptor, at: place)
      if count == -Int(EINTR) { continue }
      guard count > 0 else {
        throw RecorderError(doing: "write to", path: path, number: count == 0 ? ENOSPC : CInt(clamping: -count))
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[min(count, rest.count)...])
      place += UInt64(count)
      // Also of a write that fails later: whole groups of it are worth finding again.
      end = max(end, place)
    }
  }

  func truncate(to byteCount: UInt64) throws(RecorderError) {
    isDirty = true
    let result = disk.truncate(descriptor, to: byteCount)
    guard result >= 0 else { throw RecorderError(doing: "cut", path: path, number: -result) }
    end = min(end, byteCount)
  }

  /// Waits until what was written is on the disk.
  func sync() throws(RecorderError) {
    guard isDirty else { return }
    if mustRewrite { try unsynced.withRawBytes { bytes throws(RecorderError) in try put(bytes, at: unsyncedOffset) } }
    while true {
      let result = disk.sync(descriptor)
      if result >= 0 { break }
      if result == -EINTR { continue }
      // The kernel reports it once and may have dropped the bytes: a sync alone would then succeed without them.
      mustRewrite = true
      throw RecorderError(doing: "sync", path: path, number: -result)
    }
    mustRewrite = false
    isDirty = false
    begun = end
    unsynced.removeAll(keepingCapacity: true)
  }
}

/// The directory a path lies in.
func parent(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

extension [UInt8] {
  /// `withUnsafeBytes` that keeps the error's type.
  func withRawBytes(_ body: (UnsafeRawBufferPointer) throws(RecorderError) -> Void) throws(RecorderError) {
    try withUnsafeBytes { bytes in Result { () throws(RecorderError) in try body(bytes) } }.get()
  }
}
