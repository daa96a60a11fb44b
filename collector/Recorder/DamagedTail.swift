import Glibc
import STTChecksum
import STTRecord

/// What recovery cuts off a file.
///
/// A write that a crash interrupted leaves half a group, which nobody was promised, or zeros. Anything else may be
/// somebody's data behind bytes that went bad, and is kept.
struct DamagedTail {
  /// How much of a tail is searched for whole records.
  private static let searchedByteCount = 64 << 20
  private static let blockByteCount = 1 << 20

  private let source: FileSource
  private let start: UInt64
  private let damage: SegmentDamage

  init(_ source: FileSource, from start: UInt64, _ damage: SegmentDamage) {
    self.source = source
    self.start = start
    self.damage = damage
  }

  /// Copies the tail to a file of its own unless a torn write explains it; answers that file's path.
  func setAside(beside path: String, on disk: any Disk) throws(RecorderError) -> String? {
    guard try isWorthKeeping() else { return nil }
    // The name says where the bytes were: a recovery that was interrupted makes the same file again.
    let aside = "\(path).damaged-at-\(start)"
    let removed = disk.remove(aside)
    guard removed >= 0 || removed == -ENOENT else {
      throw RecorderError(doing: "replace", path: aside, number: -removed)
    }
    let file = try SegmentFile(creating: aside, on: disk)
    var offset = start
    var isEnd = false
    while !isEnd {
      let block = try read(at: offset, Self.blockByteCount)
      try block.withRawBytes { bytes throws(RecorderError) in try file.write(bytes, at: offset - start) }
      offset += UInt64(block.count)
      isEnd = block.isEmpty
    }
    try file.sync()
    try file.syncName()
    return aside
  }

  /// Whether something else than a torn write may explain it.
  func isWorthKeeping() throws(RecorderError) -> Bool {
    let tail = try read(at: max(start, damage.offset), Self.searchedByteCount)
    if hasWholeRecords(tail) { return true }
    // Zeros at the end are what a disk shows of bytes that it never got.
    return damage.kind == .altered && tail.last != 0
  }

  /// Whether a seal or an identity record stands in the tail: a group that was written whole, though what should be
  /// before it can't be read.
  private func hasWholeRecords(_ tail: [UInt8]) -> Bool {
    let sealLength: [UInt8] = [108, 0, 0, 0, 0, 0, 0, 0]
    var index = 0
    while tail.count - index >= 18 {
      if tail[index] == 0x81, tail[index + 1..<index + 9].elementsEqual(sealLength) { return true }
      if tail[index] == 0x80, isIdentityRecord(tail, index) { return true }
      index += 1
    }
    return false
  }

  private func isIdentityRecord(_ tail: [UInt8], _ index: Int) -> Bool {
    let length = (1...8).reduce(UInt64(0)) { $0 | UInt64(tail[index + $1]) << UInt64(8 * ($1 - 1)) }
    guard length >= 9, length <= UInt64(tail.count - index - 9), tail[index + 9] == 1 else { return false }
    let end = index + 9 + Int(length)
    var crc = CRC32()
    tail.withUnsafeBytes { crc.update(unsafe: UnsafeRawBufferPointer(rebasing: $0[(index + 9)..<(end - 4)])) }
    return (0..<4).allSatisfy { tail[end - 4 + $0] == UInt8(truncatingIfNeeded: crc.value >> UInt32(8 * $0)) }
  }

  private func read(at offset: UInt64, _ limit: Int) throws(RecorderError) -> [UInt8] {
    let left = source.byteCount > offset ? source.byteCount - offset : 0
    var bytes = [UInt8](repeating: 0, count: Int(min(UInt64(limit), left)))
    let count: Int
    do {
      count = try bytes.withUnsafeMutableBytes { try source.read(at: offset, into: $0) }
    } catch let error as RecorderError {
      throw error
    } catch {
      throw RecorderError(doing: "read", path: source.path, number: EIO)
    }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}
