import STTChecksum
public import STTSample

/// Turns messages into the bytes of one MCAP file. Does no output: take ``pending`` to the disk.
///
/// Messages gather in a chunk; ``closeChunk()`` moves it, its indexes and its identities to
/// ``pending``. A file cut anywhere gives back every chunk before the cut.
public struct SegmentWriter<Compressor: ChunkCompressor>: ~Copyable {
  /// Bytes that belong at ``pendingOffset`` of the file.
  public private(set) var pending: ByteStore
  /// Where in the file ``pending`` begins.
  public private(set) var pendingOffset: UInt64
  private var chunk: ByteStore
  private var scratch: ByteStore
  private var identities: ByteStore
  private var predictor = IdentityPredictor()
  private var compressor: Compressor
  private var chunkMessageCount: UInt32 = 0
  private var chunkStart = UInt64.max
  private var chunkEnd: UInt64 = 0
  private var chunkCompresses = true
  private var indexes: [ChannelIndex] = []
  private var summary: SegmentSummary
  private var dataCRC = CRC32()

  /// Where the messages of one channel lie in the present chunk.
  private struct ChannelIndex {
    var entries: [(time: UInt64, offset: UInt64)] = []
  }

  /// Begins a file.
  public init(compressor: Compressor, library: String, chunkCapacity: Int) {
    pending = ByteStore(capacity: chunkCapacity + 65_536)
    chunk = ByteStore(capacity: chunkCapacity + 65_536)
    scratch = ByteStore(capacity: 4096)
    identities = ByteStore(capacity: 65_536)
    self.compressor = compressor
    summary = SegmentSummary()
    pendingOffset = 0
    pending.bytes(MCAP.magic)
    pending.header(profile: "", library: library)
    pending.unsafeBytes.count > 0 ? dataCRC.update(unsafe: pending.unsafeBytes) : ()
  }

  /// Goes on to finish a file whose first `offset` bytes hold what `summary` tells.
  init(finishing summary: SegmentSummary, at offset: UInt64, compressor: Compressor) {
    pending = ByteStore(capacity: 65_536)
    chunk = ByteStore(capacity: 4096)
    scratch = ByteStore(capacity: 4096)
    identities = ByteStore(capacity: 4096)
    self.compressor = compressor
    self.summary = summary
    pendingOffset = offset
    hasDataCRC = false
  }

  /// A file that was cut has bytes this writer never saw.
  private var hasDataCRC = true

  /// Bytes of the present chunk before compression.
  public var chunkByteCount: Int { chunk.count }
  public var chunkIsEmpty: Bool { chunkMessageCount == 0 }
  /// Messages written to the file, the present chunk's included.
  public var messageCount: UInt64 { summary.messageCount }
  /// Bytes of the file so far, the present chunk not counted.
  public var byteCount: UInt64 { pendingOffset + UInt64(pending.count) }

  /// Adds a channel, and its schema unless that is opaque; `nil` when 65,535 are reached.
  ///
  /// - Parameter compresses: `false` for what is compressed already, such as pictures.
  public mutating func addChannel(
    topic: String, schema: Schema, metadata: [String: String], compresses: Bool = true
  ) -> UInt16? {
    guard summary.channels.count < Int(UInt16.max), summary.schemas.count < Int(UInt16.max) - 1 else { return nil }
    var schemaID: UInt16 = 0
    if !schema.encoding.isEmpty {
      if let known = summary.schemas.first(where: {
        $0.name == schema.name && $0.encoding == schema.encoding && $0.data == schema.data
      }) {
        schemaID = known.id
      } else {
        let fresh = RecordedSchema(
          id: UInt16(summary.schemas.count + 1), name: schema.name, encoding: schema.encoding, data: schema.data)
        summary.schemas.append(fresh)
        chunk.schema(fresh)
        schemaID = fresh.id
      }
    }
    let channel = RecordedChannel(
      id: UInt16(summary.channels.count), schema: schemaID, topic: topic,
      messageEncoding: schema.encoding, metadata: metadata)
    summary.channels.append(channel)
    summary.messageCounts.append(0)
    indexes.append(ChannelIndex())
    chunk.channel(channel)
    compressesChannel.append(compresses)
    return channel.id
  }

  private var compressesChannel: [Bool] = []

  /// Adds one message whose payload is `first` and then `second`.
  ///
  /// - Parameters:
  ///   - logTime: when the collector received it, nanoseconds since 1970.
  ///   - publishTime: the device's time of it, corrected as far as known.
  public mutating func append(
    _ identity: MessageIdentity, logTime: UInt64, publishTime: UInt64, first: UnsafeRawBufferPointer,
    second: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    let channel = Int(identity.channel)
    precondition(channel < summary.channels.count, "a channel of this file")
    indexes[channel].entries.append((logTime, UInt64(chunk.count)))
    let length = 22 + first.count + second.count
    let record = chunk.room(MCAP.recordHeadByteCount + 22)
    record.storeBytes(of: MCAP.Opcode.message, as: UInt8.self)
    record.storeBytes(of: UInt64(length).littleEndian, toByteOffset: 1, as: UInt64.self)
    record.storeBytes(of: identity.channel.littleEndian, toByteOffset: 9, as: UInt16.self)
    record.storeBytes(
      of: UInt32(truncatingIfNeeded: identity.number).littleEndian, toByteOffset: 11, as: UInt32.self)
    record.storeBytes(of: logTime.littleEndian, toByteOffset: 15, as: UInt64.self)
    record.storeBytes(of: publishTime.littleEndian, toByteOffset: 23, as: UInt64.self)
    chunk.advance(MCAP.recordHeadByteCount + 22)
    chunk.bytes(first)
    chunk.bytes(second)
    predictor.encode(identity, into: &identities)
    chunkMessageCount += 1
    chunkStart = min(chunkStart, logTime)
    chunkEnd = max(chunkEnd, logTime)
    if !compressesChannel[channel], first.count + second.count > 1024 { chunkCompresses = false }
    summary.note(channel, logTime)
  }

  /// Moves the present chunk to ``pending``.
  public mutating func closeChunk() {
    guard chunk.count > 0 else { return }
    let start = pending.count
    let offset = byteCount
    var crc = CRC32()
    crc.update(unsafe: chunk.unsafeBytes)
    let compressed = compressChunk()
    let name = compressed == nil ? "" : compressor.name
    let data = compressed.map { UnsafeRawBufferPointer(rebasing: scratch.unsafeBytes[0..<$0]) } ?? chunk.unsafeBytes
    let empty = chunkMessageCount == 0
    pending.record(MCAP.Opcode.chunk) {
      $0.u64(empty ? 0 : chunkStart)
      $0.u64(chunkEnd)
      $0.u64(UInt64(chunk.count))
      $0.u32(crc.value)
      $0.sized(name)
      $0.u64(UInt64(data.count))
      $0.bytes(data)
    }
    var entry = ChunkIndexEntry(
      startTime: empty ? 0 : chunkStart, endTime: chunkEnd, offset: offset,
      byteCount: UInt64(pending.count - start), messageIndexByteCount: 0, compression: name,
      compressedByteCount: UInt64(data.count), uncompressedByteCount: UInt64(chunk.count))
    let indexStart = pending.count
    for channel in indexes.indices where !indexes[channel].entries.isEmpty {
      entry.messageIndexOffsets.append((UInt16(channel), byteCount))
      writeMessageIndex(channel)
    }
    entry.messageIndexByteCount = UInt64(pending.count - indexStart)
    writeIdentities()
    summary.chunks.append(entry)
    extendDataCRC(from: start)
    chunk.removeAll()
    identities.removeAll()
    predictor.reset()
    chunkMessageCount = 0
    chunkStart = .max
    chunkEnd = 0
    chunkCompresses = true
  }

  private mutating func compressChunk() -> Int? {
    guard chunkCompresses, !compressor.name.isEmpty, chunk.count > 256 else { return nil }
    scratch.removeAll()
    let destination = UnsafeMutableRawBufferPointer(start: scratch.room(chunk.count), count: chunk.count)
    guard let length = compressor.compress(chunk.unsafeBytes, into: destination) else { return nil }
    scratch.advance(length)
    return length
  }

  private mutating func writeMessageIndex(_ channel: Int) {
    pending.record(MCAP.Opcode.messageIndex) { store in
      store.u16(UInt16(channel))
      store.u32(UInt32(truncatingIfNeeded: indexes[channel].entries.count * 16))
      for (time, offset) in indexes[channel].entries {
        store.u64(time)
        store.u64(offset)
      }
    }
    indexes[channel].entries.removeAll(keepingCapacity: true)
  }

  /// `version u8 | count u32 | entries | crc32 u32`, the CRC over all before it.
  private mutating func writeIdentities() {
    pending.record(MCAP.Opcode.identities) { store in
      let start = store.count
      store.u8(1)
      store.u32(chunkMessageCount)
      store.bytes(identities.unsafeBytes)
      var crc = CRC32()
      crc.update(unsafe: UnsafeRawBufferPointer(rebasing: store.unsafeBytes[start...]))
      store.u32(crc.value)
    }
  }

  /// Adds a metadata record between chunks.
  public mutating func addMetadata(name: String, _ map: [String: String]) {
    closeChunk()
    let start = pending.count
    let offset = byteCount
    pending.metadata(name: name, map)
    summary.metadata.append(
      MetadataIndexEntry(offset: offset, byteCount: UInt64(pending.count - start), name: name))
    extendDataCRC(from: start)
  }

  /// Ends the file: DataEnd, summary, footer. Nothing may be added afterwards.
  public mutating func finish() {
    closeChunk()
    let crc = hasDataCRC ? dataCRC.value : 0
    pending.record(MCAP.Opcode.dataEnd) { $0.u32(crc) }
    summary.write(into: &pending, at: pendingOffset)
  }

  private mutating func extendDataCRC(from start: Int) {
    dataCRC.update(unsafe: UnsafeRawBufferPointer(rebasing: pending.unsafeBytes[start...]))
  }

  /// ``pending`` is on its way to the disk: the first `count` bytes of it were written.
  public mutating func written(_ count: Int) {
    pending.removeFirst(count)
    pendingOffset += UInt64(count)
  }
}
