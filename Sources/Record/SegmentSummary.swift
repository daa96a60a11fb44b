import STTChecksum

/// What the end of a file repeats of its content, so that readers need not walk all of it.
struct SegmentSummary: Sendable {
  var schemas: [RecordedSchema] = []
  var channels: [RecordedChannel] = []
  /// By channel id.
  var messageCounts: [UInt64] = []
  var chunks: [ChunkIndexEntry] = []
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
  func write(into store: inout ByteStore, at fileOffset: UInt64) {
    let start = store.count
    var groups: [(opcode: UInt8, start: Int, end: Int)] = []
    func group(_ opcode: UInt8, _ store: inout ByteStore, _ body: (inout ByteStore) -> Void) {
      let from = store.count
      body(&store)
      if store.count > from { groups.append((opcode, from, store.count)) }
    }
    group(MCAP.Opcode.schema, &store) { store in schemas.forEach { store.schema($0) } }
    group(MCAP.Opcode.channel, &store) { store in channels.forEach { store.channel($0) } }
    group(MCAP.Opcode.statistics, &store) { store in
      store.record(MCAP.Opcode.statistics) {
        $0.u64(messageCount)
        $0.u16(UInt16(truncatingIfNeeded: schemas.count))
        $0.u32(UInt32(truncatingIfNeeded: channels.count))
        $0.u32(0)
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
    group(MCAP.Opcode.chunkIndex, &store) { store in chunks.forEach { store.chunkIndex($0) } }
    group(MCAP.Opcode.metadataIndex, &store) { store in metadata.forEach { store.metadataIndex($0) } }
    let offsetsStart = store.count
    for (opcode, from, to) in groups {
      store.summaryOffset(opcode: opcode, start: fileOffset + UInt64(from), byteCount: UInt64(to - from))
    }
    // The CRC covers the summary and the footer up to itself.
    store.u8(MCAP.Opcode.footer)
    store.u64(20)
    store.u64(fileOffset + UInt64(start))
    store.u64(fileOffset + UInt64(offsetsStart))
    var crc = CRC32()
    crc.update(unsafe: UnsafeRawBufferPointer(rebasing: store.unsafeBytes[start..<store.count]))
    store.u32(crc.value)
    store.bytes(MCAP.magic)
  }
}
