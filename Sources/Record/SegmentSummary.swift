import STTChecksum

/// Which parts of a summary are written; readers must do without any of them.
struct SummaryParts: OptionSet, Sendable {
  let rawValue: UInt16

  static let schemas = SummaryParts(rawValue: 1)
  static let channels = SummaryParts(rawValue: 2)
  static let statistics = SummaryParts(rawValue: 4)
  static let chunkIndexes = SummaryParts(rawValue: 8)
  static let attachmentIndexes = SummaryParts(rawValue: 16)
  static let metadataIndexes = SummaryParts(rawValue: 32)
  static let offsets = SummaryParts(rawValue: 64)
  static let all = SummaryParts(rawValue: 127)
}

/// What the end of a file repeats of its content, so that readers need not walk all of it.
struct SegmentSummary: Sendable {
  var schemas: [RecordedSchema] = []
  var channels: [RecordedChannel] = []
  /// By channel id.
  var messageCounts: [UInt64] = []
  var chunks: [ChunkIndexEntry] = []
  var attachments: [AttachmentIndexEntry] = []
  var metadata: [MetadataIndexEntry] = []
  var firstTime = UInt64.max
  var lastTime: UInt64 = 0

  var messageCount: UInt64 { messageCounts.reduce(0, +) }

  mutating func note(_ channel: Int, _ time: UInt64) {
    messageCounts[channel] += 1
    firstTime = min(firstTime, time)
    lastTime = max(lastTime, time)
  }

  /// Writes the summary section, the summary offsets, the footer and the closing magic.
  func write(into store: inout ByteStore, at fileOffset: UInt64, _ parts: SummaryParts = .all) {
    let start = store.count
    var groups: [(opcode: UInt8, start: Int, end: Int)] = []
    func group(_ part: SummaryParts, _ opcode: UInt8, _ store: inout ByteStore, _ body: (inout ByteStore) -> Void) {
      guard parts.contains(part) else { return }
      let from = store.count
      body(&store)
      if store.count > from { groups.append((opcode, from, store.count)) }
    }
    group(.schemas, MCAP.Opcode.schema, &store) { store in schemas.forEach { store.schema($0) } }
    group(.channels, MCAP.Opcode.channel, &store) { store in channels.forEach { store.channel($0) } }
    group(.statistics, MCAP.Opcode.statistics, &store) { writeStatistics(into: &$0) }
    group(.chunkIndexes, MCAP.Opcode.chunkIndex, &store) { store in chunks.forEach { store.chunkIndex($0) } }
    group(.attachmentIndexes, MCAP.Opcode.attachmentIndex, &store) { store in
      attachments.forEach { store.attachmentIndex($0) }
    }
    group(.metadataIndexes, MCAP.Opcode.metadataIndex, &store) { store in metadata.forEach { store.metadataIndex($0) } }
    let summaryStart = store.count > start ? fileOffset + UInt64(start) : 0
    let hasOffsets = parts.contains(.offsets) && !groups.isEmpty
    let offsetsStart = hasOffsets ? fileOffset + UInt64(store.count) : 0
    if hasOffsets {
      for (opcode, from, to) in groups {
        store.summaryOffset(opcode: opcode, start: fileOffset + UInt64(from), byteCount: UInt64(to - from))
      }
    }
    // The CRC covers the summary and the footer up to itself.
    store.u8(MCAP.Opcode.footer)
    store.u64(20)
    store.u64(summaryStart)
    store.u64(offsetsStart)
    var crc = CRC32()
    crc.update(unsafe: UnsafeRawBufferPointer(rebasing: store.unsafeBytes[start..<store.count]))
    store.u32(crc.value)
    store.bytes(MCAP.magic)
  }

  private func writeStatistics(into store: inout ByteStore) {
    store.record(MCAP.Opcode.statistics) {
      $0.u64(messageCount)
      $0.u16(UInt16(truncatingIfNeeded: schemas.count))
      $0.u32(UInt32(truncatingIfNeeded: channels.count))
      $0.u32(UInt32(truncatingIfNeeded: attachments.count))
      $0.u32(UInt32(truncatingIfNeeded: metadata.count))
      $0.u32(UInt32(truncatingIfNeeded: chunks.count))
      $0.u64(messageCount == 0 ? 0 : firstTime)
      $0.u64(lastTime)
      $0.u32(UInt32(truncatingIfNeeded: channels.count * 10))
      for channel in channels {
        $0.u16(channel.id)
        $0.u64(messageCounts[Int(channel.id)])
      }
    }
  }
}
