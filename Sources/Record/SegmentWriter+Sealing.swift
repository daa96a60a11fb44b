extension SegmentWriter {
  /// Makes the chunk in hand one sealed batch, where it lies, and puts a seal behind it.
  mutating func closeSealedChunk(_ place: Int) {
    let first = chunk.firstTime
    let message = chunk.data - OpenChunk.batchHeadByteCount
    var entry = ChunkIndexEntry(
      startTime: first, endTime: first, offset: byteCount, byteCount: 0, messageIndexByteCount: 0, compression: "",
      compressedByteCount: 0, uncompressedByteCount: 0)
    if container.channels.isEmpty {
      container.channels.append(SealedChannel.channel)
      container.messageCounts.append(0)
    }
    sealBatch(message, first)
    container.note(Int(SealedChannel.channel.id), first)
    let data = place + MCAP.plainChunkHeadByteCount
    entry.uncompressedByteCount = UInt64(store.count - data)
    let crc = Compressor.checksum(UnsafeRawBufferPointer(rebasing: store.unsafeBytes[data...]), after: 0)
    endChunk(&entry, place, data, crc: crc)
    let indexStart = store.count
    entry.messageIndexOffsets = [(SealedChannel.channel.id, pendingOffset + UInt64(indexStart))]
    store.messageIndex(channel: SealedChannel.channel.id, [(first, UInt64(message - data))])
    entry.messageIndexByteCount = UInt64(store.count - indexStart)
    container.chunks.append(entry)
    let list = PositionList.bytes(chunkPositions())
    let positions = sealer?.sealPositions(list) ?? []
    store.record(MCAP.Opcode.positions) { $0.bytes(positions) }
    extendDataCRC(from: place, known: data..<indexStart, crc)
    writeSeal()
  }

  /// The batch whose message begins at `message`: `compressed u8 | byte count u32 | (record bytes u32 | records |
  /// identities)`, all of it encrypted, the tag behind it.
  private mutating func sealBatch(_ message: Int, _ first: UInt64) {
    let start = message + MCAP.messageHeadByteCount
    let content = start + 5
    store.patch(UInt32(truncatingIfNeeded: store.count - chunk.data), at: content)
    let (count, entries) = (chunk.messageCount, chunk.identities.unsafeBytes)
    Self.write(count, entries, into: &store)
    store.patch(UInt32(truncatingIfNeeded: store.count - content), at: start + 1)
    if compress(from: content) {
      store.patch(UInt8(1), at: start)
      store.truncate(to: content)
      store.bytes(packed.unsafeBytes)
    }
    let place = batchPlace(
      segment: sealer?.segment ?? [], channel: SealedChannel.channel.id, number: sealCount, first: first, last: chunk.end,
      head: head)
    _ = store.room(16)
    let text = UnsafeMutableRawBufferPointer(rebasing: store.unsafeMutableBytes[start...])
    sealer?.seal(text, number: sealCount, additional: place)
    store.advance(16)
    store.patch(UInt64(store.count - message - MCAP.recordHeadByteCount), at: message + 1)
    store.patch(UInt32(truncatingIfNeeded: sealCount), at: message + 11)
    store.patch(first, at: message + 15)
    store.patch(chunk.end, at: message + 23)
  }

  mutating func writeSeal() {
    let seal = ChainSeal(number: sealCount, before: head, digest: sealer?.digest() ?? [])
    let code = sealer?.attest(seal.bytes) ?? []
    let start = store.count
    store.record(MCAP.Opcode.seal) { seal.write(code: code, into: &$0) }
    extendDataCRC(from: start, absorbed: false)
    head = sealer?.hash(seal.bytes) ?? []
    sealCount += 1
  }
}
