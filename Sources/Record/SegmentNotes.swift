import STTChecksum

/// Reads a finished file's metadata records through its summary, without walking the file.
public enum SegmentNotes {
  /// Every metadata record, or `nil` when the file has no sound summary: then it was not finished.
  public static func read<Source: ByteSource>(_ source: inout Source) throws -> [(name: String, entries: [String: String])]?
  {
    // Footer record 29 bytes, magic 8.
    guard source.byteCount >= 37 + UInt64(MCAP.magic.count) else { return nil }
    guard let footer = try bytes(&source, at: source.byteCount - 37, count: 37),
      Array(footer[29...]) == MCAP.magic, footer[0] == MCAP.Opcode.footer
    else { return nil }
    var cursor = RecordCursor(footer.span.bytes)
    guard cursor.skip(MCAP.recordHeadByteCount), let summaryStart = cursor.u64(), summaryStart > 0,
      summaryStart <= source.byteCount - 37, source.byteCount - summaryStart <= 1 << 28,
      let summary = try bytes(&source, at: summaryStart, count: Int(source.byteCount - 37 - summaryStart)),
      isSound(summary, footer)
    else { return nil }
    var notes: [(name: String, entries: [String: String])] = []
    var records = RecordCursor(summary.span.bytes)
    while records.left >= MCAP.recordHeadByteCount {
      guard let opcode = records.u8(), let length = records.u64(), length <= UInt64(records.left) else { return nil }
      let start = records.offset
      guard records.skip(Int(length)) else { return nil }
      guard opcode == MCAP.Opcode.metadataIndex else { continue }
      var entry = RecordCursor(summary[start..<start + Int(length)].span.bytes)
      guard let offset = entry.u64(), let byteCount = entry.u64(), offset < source.byteCount,
        byteCount >= UInt64(MCAP.recordHeadByteCount), byteCount <= min(1 << 26, source.byteCount - offset),
        let record = try bytes(&source, at: offset, count: Int(byteCount))
      else { return nil }
      var note = RecordCursor(record.span.bytes)
      guard note.u8() == MCAP.Opcode.metadata, note.skip(8), let name = note.text(), let entries = note.texts()
      else { return nil }
      notes.append((name, entries))
    }
    return notes
  }

  /// Whether the footer's checksum is that of the summary, or absent.
  private static func isSound(_ summary: [UInt8], _ footer: [UInt8]) -> Bool {
    let stored = (0..<4).reduce(UInt32(0)) { $0 | UInt32(footer[25 + $1]) << UInt32(8 * $1) }
    var crc = CRC32()
    summary.withUnsafeBytes { crc.update(unsafe: $0) }
    footer.withUnsafeBytes { crc.update(unsafe: UnsafeRawBufferPointer(rebasing: $0[..<25])) }
    return stored == 0 || stored == crc.value
  }

  private static func bytes<Source: ByteSource>(_ source: inout Source, at offset: UInt64, count: Int) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = try bytes.withUnsafeMutableBytes { try source.read(at: offset, into: $0) }
    return got == count ? bytes : nil
  }
}
