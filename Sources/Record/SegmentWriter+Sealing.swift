extension SegmentWriter {
  /// The chunk in hand as one sealed batch, and a seal behind it.
  mutating func writeSealedChunk() {
    let first = chunk.firstTime
    let start = pending.count
    var entry = ChunkIndexEntry(
      startTime: first, endTime: first, offset: byteCount, byteCount: 0, messageIndexByteCount: 0, compression: "",
      compressedByteCount: 0, uncompressedByteCount: 0)
    let data = beginChunk(entry)
    if container.channels.isEmpty {
      pending.channel(SealedChannel.channel)
      container.channels.append(SealedChannel.channel)
      container.messageCounts.append(0)
    }
    let message = pending.count
    pending.message(
      channel: SealedChannel.channel.id, sequence: UInt32(truncatingIfNeeded: sealCount), logTime: first,
      publishTime: chunk.end, first: UnsafeRawBufferPointer(start: nil, count: 0),
      second: UnsafeRawBufferPointer(start: nil, count: 0))
    sealBatch(first)
    pending.patch(UInt64(pending.count - message - MCAP.recordHeadByteCount), at: message + 1)
    container.note(Int(SealedChannel.channel.id), first)
    entry.compressedByteCount = UInt64(pending.count - data)
    entry.uncompressedByteCount = entry.compressedByteCount
    endChunk(
      &entry, start, data,
      crc: Compressor.checksum(UnsafeRawBufferPointer(rebasing: pending.unsafeBytes[data...]), after: 0))
    entry.messageIndexOffsets = [(SealedChannel.channel.id, byteCount)]
    let indexStart = pending.count
    pending.messageIndex(channel: SealedChannel.channel.id, [(first, UInt64(message - data))])
    entry.messageIndexByteCount = UInt64(pending.count - indexStart)
    container.chunks.append(entry)
    let list = PositionList.bytes(chunkPositions())
    let positions = sealer?.sealPositions(list) ?? []
    pending.record(MCAP.Opcode.positions) { $0.bytes(positions) }
    extendDataCRC(from: start)
    writeSeal()
  }

  /// Puts the chunk in hand behind `pending` as `compressed u8 | byte count u32 | (record bytes u32 | records |
  /// identities)`, all of it encrypted where it lies, the tag behind it.
  private mutating func sealBatch(_ first: UInt64) {
    chunk.records.patch(UInt32(truncatingIfNeeded: chunk.records.count - 4), at: 0)
    let (count, entries) = (chunk.messageCount, chunk.identities.unsafeBytes)
    Self.write(count, entries, into: &chunk.records)
    let start = pending.count
    pending.u8(1)
    pending.u32(UInt32(truncatingIfNeeded: chunk.records.count))
    if !compressChunk() {
      pending.patch(UInt8(0), at: start)
      pending.bytes(chunk.records.unsafeBytes)
    }
    _ = pending.room(16)
    let place = batchPlace(
      segment: sealer?.segment ?? [], channel: SealedChannel.channel.id, number: sealCount, first: first, last: chunk.end,
      head: head)
    let text = UnsafeMutableRawBufferPointer(rebasing: pending.unsafeMutableBytes[start...])
    sealer?.seal(text, number: sealCount, additional: place)
    pending.advance(16)
  }

  mutating func writeSeal() {
    let seal = ChainSeal(number: sealCount, before: head, digest: sealer?.digest() ?? [])
    let code = sealer?.attest(seal.bytes) ?? []
    let start = pending.count
    pending.record(MCAP.Opcode.seal) { seal.write(code: code, into: &$0) }
    extendDataCRC(from: start, absorbed: false)
    head = sealer?.hash(seal.bytes) ?? []
    sealCount += 1
  }
}
