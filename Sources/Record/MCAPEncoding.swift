import STTChecksum

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

  /// A message whose payload is `first` and then `second`.
  mutating func message(
    channel: UInt16, sequence: UInt32, logTime: UInt64, publishTime: UInt64, first: UnsafeRawBufferPointer,
    second: UnsafeRawBufferPointer
  ) {
    let length = 22 + first.count + second.count
    let head = room(MCAP.messageHeadByteCount + first.count + second.count)
    head.storeBytes(of: MCAP.Opcode.message, as: UInt8.self)
    head.storeBytes(of: UInt64(length).littleEndian, toByteOffset: 1, as: UInt64.self)
    head.storeBytes(of: channel.littleEndian, toByteOffset: 9, as: UInt16.self)
    head.storeBytes(of: sequence.littleEndian, toByteOffset: 11, as: UInt32.self)
    head.storeBytes(of: logTime.littleEndian, toByteOffset: 15, as: UInt64.self)
    head.storeBytes(of: publishTime.littleEndian, toByteOffset: 23, as: UInt64.self)
    let body = head + MCAP.messageHeadByteCount
    if let start = first.baseAddress { body.copyMemory(from: start, byteCount: first.count) }
    if let start = second.baseAddress { (body + first.count).copyMemory(from: start, byteCount: second.count) }
    advance(MCAP.messageHeadByteCount + first.count + second.count)
  }

  /// Begins a chunk whose records, compressed or not, are written next. Answers where it begins.
  mutating func beginChunk(compression: String) -> Int {
    let place = count
    u8(MCAP.Opcode.chunk)
    u64(0)
    u64(0)
    u64(0)
    u64(0)
    u32(0)
    sized(compression)
    u64(0)
    return place
  }

  /// Ends the chunk that began at `place` and whose data begins at `data`; the CRC is over its records uncompressed.
  mutating func endChunk(_ place: Int, data: Int, start: UInt64, end: UInt64, uncompressedByteCount: Int, crc: UInt32) {
    patch(UInt64(count - place - MCAP.recordHeadByteCount), at: place + 1)
    patch(start, at: place + 9)
    patch(end, at: place + 17)
    patch(UInt64(uncompressedByteCount), at: place + 25)
    patch(crc, at: place + 33)
    patch(UInt64(count - data), at: data - 8)
  }

  mutating func messageIndex(channel: UInt16, _ entries: [(time: UInt64, offset: UInt64)]) {
    record(MCAP.Opcode.messageIndex) {
      $0.u16(channel)
      $0.u32(UInt32(truncatingIfNeeded: entries.count * 16))
      for (time, offset) in entries {
        $0.u64(time)
        $0.u64(offset)
      }
    }
  }

  mutating func attachment(_ attachment: RecordedAttachment) {
    record(MCAP.Opcode.attachment) {
      let start = $0.count
      $0.u64(attachment.logTime)
      $0.u64(attachment.createTime)
      $0.sized(attachment.name)
      $0.sized(attachment.mediaType)
      $0.u64(UInt64(attachment.data.count))
      $0.bytes(attachment.data)
      var crc = CRC32()
      crc.update(unsafe: UnsafeRawBufferPointer(rebasing: $0.unsafeBytes[start...]))
      $0.u32(crc.value)
    }
  }

  mutating func attachmentIndex(_ entry: AttachmentIndexEntry) {
    record(MCAP.Opcode.attachmentIndex) {
      $0.u64(entry.offset)
      $0.u64(entry.byteCount)
      $0.u64(entry.logTime)
      $0.u64(entry.createTime)
      $0.u64(entry.dataByteCount)
      $0.sized(entry.name)
      $0.sized(entry.mediaType)
    }
  }

  mutating func dataEnd(crc: UInt32) { record(MCAP.Opcode.dataEnd) { $0.u32(crc) } }

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
