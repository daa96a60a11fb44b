/// How each MCAP record is written; the counterpart of `RecordCursor`'s readers.
extension ByteStore {
  /// Writes a record around what `body` writes.
  mutating func record(_ opcode: UInt8, _ body: (inout ByteStore) -> Void) {
    u8(opcode)
    u64(0)
    let start = count
    body(&self)
    patch(UInt64(count - start), at: start - 8)
  }

  mutating func header(profile: String, library: String) {
    record(MCAP.Opcode.header) {
      $0.sized(profile)
      $0.sized(library)
    }
  }

  mutating func schema(_ schema: RecordedSchema) {
    record(MCAP.Opcode.schema) {
      $0.u16(schema.id)
      $0.sized(schema.name)
      $0.sized(schema.encoding)
      $0.sized(schema.data)
    }
  }

  mutating func channel(_ channel: RecordedChannel) {
    record(MCAP.Opcode.channel) {
      $0.u16(channel.id)
      $0.u16(channel.schema)
      $0.sized(channel.topic)
      $0.sized(channel.messageEncoding)
      $0.texts(channel.metadata)
    }
  }

  /// A map, by ascending key, so that equal maps are equal bytes.
  mutating func texts(_ map: [String: String]) {
    u32(0)
    let start = count
    for (key, value) in map.sorted(by: { $0.key < $1.key }) {
      sized(key)
      sized(value)
    }
    patch(UInt32(truncatingIfNeeded: count - start), at: start - 4)
  }

  mutating func metadata(name: String, _ map: [String: String]) {
    record(MCAP.Opcode.metadata) {
      $0.sized(name)
      $0.texts(map)
    }
  }

  mutating func chunkIndex(_ entry: ChunkIndexEntry) {
    record(MCAP.Opcode.chunkIndex) {
      $0.u64(entry.startTime)
      $0.u64(entry.endTime)
      $0.u64(entry.offset)
      $0.u64(entry.byteCount)
      $0.u32(UInt32(entry.messageIndexOffsets.count * 10))
      for (channel, offset) in entry.messageIndexOffsets {
        $0.u16(channel)
        $0.u64(offset)
      }
      $0.u64(entry.messageIndexByteCount)
      $0.sized(entry.compression)
      $0.u64(entry.compressedByteCount)
      $0.u64(entry.uncompressedByteCount)
    }
  }

  mutating func metadataIndex(_ entry: MetadataIndexEntry) {
    record(MCAP.Opcode.metadataIndex) {
      $0.u64(entry.offset)
      $0.u64(entry.byteCount)
      $0.sized(entry.name)
    }
  }

  mutating func summaryOffset(opcode: UInt8, start: UInt64, byteCount: UInt64) {
    record(MCAP.Opcode.summaryOffset) {
      $0.u8(opcode)
      $0.u64(start)
      $0.u64(byteCount)
    }
  }
}
