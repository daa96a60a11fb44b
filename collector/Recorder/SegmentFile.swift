import Glibc
import STTRecord

/// An open file and the bytes on their way into it.
final class SegmentFile {
  /// Bytes kept for a sync that may fail. A recorder syncs long before; what is never synced is not kept.
  static let keptByteCount = 32 << 20

  let path: String
  private let disk: any Disk
  private let descriptor: CInt
  /// Whether bytes were written since the last sync.
  private(set) var isDirty = false
  private var isNamed = false
  /// What was written since the last sync, to be written again after a sync that failed.
  private var unsynced: [UInt8] = []
  private var unsyncedOffset: UInt64 = 0
  private let mayKeep: Bool
  private var keepsUnsynced: Bool
  private var mustRewrite = false

  /// Creates `path`, which must not exist.
  ///
  /// - Parameter keepsUnsynced: whether a sync that failed can be made good; a copy can be made again instead.
  init(creating path: String, on disk: any Disk, keepsUnsynced: Bool = true) throws(RecorderError) {
    self.path = path
    self.disk = disk
    mayKeep = keepsUnsynced
    self.keepsUnsynced = keepsUnsynced
    descriptor = disk.create(path)
    guard descriptor >= 0 else { throw RecorderError(doing: "create", path: path, number: -descriptor) }
  }

  /// Opens `path`, which must exist.
  init(opening path: String, on disk: any Disk) throws(RecorderError) {
    self.path = path
    self.disk = disk
    mayKeep = true
    keepsUnsynced = true
    isNamed = true
    isDirty = true
    descriptor = disk.openToWrite(path)
    guard descriptor >= 0 else { throw RecorderError(doing: "open", path: path, number: -descriptor) }
  }

  deinit { if descriptor >= 0 { disk.close(descriptor) } }

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
    try put(bytes, at: offset)
    if unsynced.isEmpty { unsyncedOffset = offset }
    if unsynced.count + bytes.count > Self.keptByteCount {
      unsynced = []
      keepsUnsynced = false
    }
    if keepsUnsynced { unsynced.append(contentsOf: bytes) }
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
    }
  }

  func truncate(to byteCount: UInt64) throws(RecorderError) {
    isDirty = true
    let result = disk.truncate(descriptor, to: byteCount)
    guard result >= 0 else { throw RecorderError(doing: "cut", path: path, number: -result) }
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
    keepsUnsynced = mayKeep
    unsynced.removeAll(keepingCapacity: true)
  }

  /// Bytes written since the last sync.
  var unsyncedByteCount: Int { keepsUnsynced ? unsynced.count : Self.keptByteCount }
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
