/// What a finished file's summary says of it, read without walking the file: believed, not checked.
public struct SegmentOutline: Sendable {
  public var channels: [RecordedChannel] = []
  public var schemas: [RecordedSchema] = []
  /// By channel id; empty where the file has no statistics.
  public var messageCounts: [UInt16: UInt64] = [:]
  /// When the first and last messages were received; `lastTime` is 0 where nothing was.
  public var firstTime = UInt64.max
  public var lastTime: UInt64 = 0
  public var chunkCount = 0
  /// Names of its metadata records.
  public var notes: [String] = []
  /// Where the summary begins.
  var summaryStart: UInt64 = 0

  /// Whether its streams show: not sealed.
  public var isPlain: Bool { !notes.contains(SealNote.name) }
  /// Whether a crash ended it, and recovery after that.
  public var isRecovered: Bool { notes.contains(SealNote.recoveryName) }

  /// `nil` when the file has no sound summary: then it was not finished.
  public static func read<Source: ByteSource>(_ file: Source) throws -> SegmentOutline? {
    try read(file, chunk: { _ in })
  }

  /// - Parameter chunk: told where each chunk lies, in the summary's order.
  static func read<Source: ByteSource>(_ file: Source, chunk: (ChunkIndexEntry) -> Void) throws -> SegmentOutline? {
    var source = file
    // Footer record 29 bytes, magic 8.
    guard source.byteCount >= 37 + UInt64(MCAP.magic.count) else { return nil }
    let end = source.byteCount - 37
    guard let footer = try bytes(&source, end, 37), Array(footer[29...]) == MCAP.magic, footer[0] == MCAP.Opcode.footer
    else { return nil }
    var cursor = RecordCursor(footer.span.bytes)
    guard cursor.skip(MCAP.recordHeadByteCount), let start = cursor.u64(), start > 0, start <= end, end - start <= 1 << 28
    else { return nil }
    var outline = SegmentOutline()
    outline.summaryStart = start
    var at = start
    while at < end {
      // A summary of a large file is long: a record at a time.
      guard let head = try bytes(&source, at, MCAP.recordHeadByteCount) else { return nil }
      let length = (1...8).reduce(UInt64(0)) { $0 | UInt64(head[$1]) << UInt64(8 * ($1 - 1)) }
      let body = at + UInt64(MCAP.recordHeadByteCount)
      guard body <= end, length <= end - body, let record = try bytes(&source, body, Int(length)) else { return nil }
      var content = RecordCursor(record.span.bytes)
      guard outline.take(head[0], &content, chunk) else { return nil }
      at = body + length
    }
    return outline
  }

  private mutating func take(
    _ opcode: UInt8, _ cursor: inout RecordCursor, _ chunk: (ChunkIndexEntry) -> Void
  ) -> Bool {
    switch opcode {
    case MCAP.Opcode.channel:
      guard let channel = RecordedChannel(&cursor) else { return false }
      channels.append(channel)
    case MCAP.Opcode.schema:
      guard let schema = RecordedSchema(&cursor) else { return false }
      schemas.append(schema)
    case MCAP.Opcode.statistics:
      guard cursor.skip(8 + 2 + 4 + 4 + 4), let chunks = cursor.u32(), let first = cursor.u64(), let last = cursor.u64(),
        let length = cursor.u32()
      else { return false }
      (chunkCount, firstTime, lastTime) = (Int(chunks), first, last)
      for _ in 0..<(length / 10) {
        guard let channel = cursor.u16(), let count = cursor.u64() else { return false }
        messageCounts[channel] = count
      }
    case MCAP.Opcode.chunkIndex:
      guard let entry = ChunkIndexEntry(&cursor) else { return false }
      chunk(entry)
    case MCAP.Opcode.metadataIndex:
      guard cursor.skip(16), let name = cursor.text() else { return false }
      notes.append(name)
    default: break
    }
    return true
  }

  private static func bytes<Source: ByteSource>(_ source: inout Source, _ offset: UInt64, _ count: Int) throws -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = try bytes.withUnsafeMutableBytes { try source.read(at: offset, into: $0) }
    return got == count ? bytes : nil
  }
}
