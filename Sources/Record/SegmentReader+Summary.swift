extension SegmentReader {
  /// After ``Step/dataEnd``: checks summary and footer against what was read; of a sealed file only with ``checksSummary``.
  public mutating func checkSummary() throws {
    let start = offset
    var tail = ByteStore(capacity: 4096)
    let length = source.byteCount - start
    guard length <= Self.largestChunk else { throw altered(start, "the summary claims \(length) bytes") }
    let destination = UnsafeMutableRawBufferPointer(start: tail.room(Int(length)), count: Int(length))
    guard try source.read(at: start, into: destination) == Int(length) else {
      throw SegmentDamage(kind: .cut, offset: start, what: "the summary is cut")
    }
    tail.advance(Int(length))
    // Footer: opcode 1, length 8, two offsets, CRC, magic 8.
    guard length >= 37 else { throw SegmentDamage(kind: .cut, offset: start, what: "the footer is missing") }
    let bytes = tail.unsafeBytes
    let footer = Int(length) - 37
    guard Array(bytes[(bytes.count - 8)...]) == MCAP.magic else {
      throw SegmentDamage(kind: .cut, offset: source.byteCount, what: "the closing magic is missing")
    }
    let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 12, as: UInt32.self))
    let crc = Decompressor.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 12)]), after: 0)
    guard bytes[footer] == MCAP.Opcode.footer, stored == 0 || stored == crc else {
      throw altered(start, "the summary's checksum is wrong")
    }
    guard seal != nil, checksSummary else { return }
    // A sealed file's summary is not covered by its chain, and follows from what is.
    var expected = ByteStore(capacity: bytes.count)
    summary.write(into: &expected, at: start)
    guard expected.unsafeBytes.elementsEqual(bytes) else {
      throw altered(start, "the summary is not that of the records before it")
    }
  }
}
