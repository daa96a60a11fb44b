public import STTSample

/// Turns messages into the bytes of one MCAP file. Does no output: take ``pending`` to the disk.
///
/// Messages gather in a chunk; ``closeChunk()`` moves it, its indexes and its identities to
/// ``pending``. A file cut anywhere gives back every chunk before the cut. With a sealer every chunk is one
/// sealed batch, and the file a chain (docs/recording.md, Sealing).
public struct SegmentWriter<Compressor: ChunkCompressor, Sealer: SegmentSealer>: ~Copyable {
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
  /// What the messages are on.
  private var contents: SegmentSummary
  /// What the file shows of itself, when that is not its contents.
  private var container = SegmentSummary()
  private var dataCRC: UInt32 = 0
  private var sealer: Sealer?
  private var batch: ByteStore
  private var sealCount: UInt64 = 0
  private var head: [UInt8] = []
  /// By channel: one past its last message in the present chunk, 0 without any.
  private var ends: [UInt64] = []

  /// Where the messages of one channel lie in the present chunk.
  private struct ChannelIndex {
    var entries: [(time: UInt64, offset: UInt64)] = []
  }

  /// Begins a file; a plain one without a sealer.
  public init(compressor: Compressor, sealer: Sealer?, library: String, chunkCapacity: Int) {
    pending = ByteStore(capacity: chunkCapacity + 65_536)
    chunk = ByteStore(capacity: chunkCapacity + 65_536)
    scratch = ByteStore(capacity: 4096)
    identities = ByteStore(capacity: 65_536)
    batch = ByteStore(capacity: 4096)
    self.compressor = compressor
    self.sealer = sealer
    contents = SegmentSummary()
    pendingOffset = 0
    pending.bytes(MCAP.magic)
    pending.header(profile: "", library: library)
    extendDataCRC(from: 0)
    if let sealer {
      head = sealer.previousHead
      addMetadata(name: SealNote.name, sealer.note)
    }
  }

  /// Goes on to finish a file whose first `offset` bytes hold what `summary` tells.
  init(finishing summary: SegmentSummary, at offset: UInt64, compressor: Compressor) {
    pending = ByteStore(capacity: 65_536)
    chunk = ByteStore(capacity: 4096)
    scratch = ByteStore(capacity: 4096)
    identities = ByteStore(capacity: 4096)
    batch = ByteStore(capacity: 4096)
    self.compressor = compressor
    contents = summary
    pendingOffset = offset
    hasDataCRC = false
  }

  /// A file that was cut has bytes this writer never saw.
  private var hasDataCRC = true

  /// Bytes of the present chunk before compression.
  public var chunkByteCount: Int { chunk.count }
  public var chunkIsEmpty: Bool { chunkMessageCount == 0 }
  /// Messages written to the file, the present chunk's included.
  public var messageCount: UInt64 { contents.messageCount }
  /// Bytes of the file so far, the present chunk not counted.
  public var byteCount: UInt64 { pendingOffset + UInt64(pending.count) }

  /// Adds a channel, and its schema unless that is opaque; `nil` when 65,535 are reached.
  ///
  /// - Parameter compresses: `false` for what is compressed already, such as pictures.
  public mutating func addChannel(
    topic: String, schema: Schema, metadata: [String: String], compresses: Bool = true
  ) -> UInt16? {
    guard contents.channels.count < Int(UInt16.max), contents.schemas.count < Int(UInt16.max) - 1 else { return nil }
    var schemaID: UInt16 = 0
    if !schema.encoding.isEmpty {
      if let known = contents.schemas.first(where: {
        $0.name == schema.name && $0.encoding == schema.encoding && $0.data == schema.data
      }) {
        schemaID = known.id
      } else {
        let fresh = RecordedSchema(
          id: UInt16(contents.schemas.count + 1), name: schema.name, encoding: schema.encoding, data: schema.data)
        contents.schemas.append(fresh)
        chunk.schema(fresh)
        schemaID = fresh.id
      }
    }
    let channel = RecordedChannel(
      id: UInt16(contents.channels.count), schema: schemaID, topic: topic,
      messageEncoding: schema.encoding, metadata: metadata)
    contents.channels.append(channel)
    contents.messageCounts.append(0)
    indexes.append(ChannelIndex())
    ends.append(0)
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
    precondition(channel < contents.channels.count, "a channel of this file")
    indexes[channel].entries.append((logTime, UInt64(chunk.count)))
    chunk.message(
      channel: identity.channel, sequence: UInt32(truncatingIfNeeded: identity.number), logTime: logTime,
      publishTime: publishTime, first: first, second: second)
    predictor.encode(identity, into: &identities)
    ends[channel] = identity.number == .max ? .max : identity.number + 1
    chunkMessageCount += 1
    chunkStart = min(chunkStart, logTime)
    chunkEnd = max(chunkEnd, logTime)
    if !compressesChannel[channel], first.count + second.count > 1024 { chunkCompresses = false }
    contents.note(channel, logTime)
  }

  /// Moves the present chunk to ``pending``.
  public mutating func closeChunk() {
    guard chunk.count > 0 else { return }
    if sealer == nil { writePlainChunk() } else { writeSealedChunk() }
    chunk.removeAll()
    identities.removeAll()
    predictor.reset()
    chunkMessageCount = 0
    chunkStart = .max
    chunkEnd = 0
    chunkCompresses = true
  }

  private mutating func writePlainChunk() {
    let start = pending.count
    let compressed = compress(chunk.unsafeBytes)
    let name = compressed == nil ? "" : compressor.name
    let data = compressed.map { UnsafeRawBufferPointer(rebasing: scratch.unsafeBytes[0..<$0]) } ?? chunk.unsafeBytes
    var entry = ChunkIndexEntry(
      startTime: chunkMessageCount == 0 ? 0 : chunkStart, endTime: chunkEnd, offset: byteCount, byteCount: 0,
      messageIndexByteCount: 0, compression: name, compressedByteCount: UInt64(data.count),
      uncompressedByteCount: UInt64(chunk.count))
    writeChunk(&entry, data, of: chunk.unsafeBytes)
    let indexStart = pending.count
    for channel in indexes.indices where !indexes[channel].entries.isEmpty {
      entry.messageIndexOffsets.append((UInt16(channel), byteCount))
      pending.messageIndex(channel: UInt16(channel), indexes[channel].entries)
      indexes[channel].entries.removeAll(keepingCapacity: true)
    }
    entry.messageIndexByteCount = UInt64(pending.count - indexStart)
    let (count, entries) = (chunkMessageCount, identities.unsafeBytes)
    pending.record(MCAP.Opcode.identities) { Self.write(count, entries, into: &$0) }
    contents.chunks.append(entry)
    extendDataCRC(from: start)
  }

  private mutating func writeChunk(
    _ entry: inout ChunkIndexEntry, _ data: UnsafeRawBufferPointer, of records: UnsafeRawBufferPointer
  ) {
    let start = pending.count
    pending.chunk(
      start: entry.startTime, end: entry.endTime, uncompressedByteCount: records.count,
      crc: Compressor.checksum(records, after: 0),
      compression: entry.compression, data)
    entry.byteCount = UInt64(pending.count - start)
  }

  /// Compresses into `scratch`; `nil` where that doesn't pay.
  private mutating func compress(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard chunkCompresses, !compressor.name.isEmpty, bytes.count > 256 else { return nil }
    scratch.removeAll()
    let destination = UnsafeMutableRawBufferPointer(start: scratch.room(bytes.count), count: bytes.count)
    guard let length = compressor.compress(bytes, into: destination) else { return nil }
    scratch.advance(length)
    return length
  }

  /// `version u8 | count u32 | entries | crc32 u32`, the CRC over all before it.
  private static func write(_ count: UInt32, _ identities: UnsafeRawBufferPointer, into store: inout ByteStore) {
    let start = store.count
    store.u8(1)
    store.u32(count)
    store.bytes(identities)
    store.u32(Compressor.checksum(UnsafeRawBufferPointer(rebasing: store.unsafeBytes[start...]), after: 0))
  }

  /// Adds a metadata record between chunks.
  public mutating func addMetadata(name: String, _ map: [String: String]) {
    closeChunk()
    let start = pending.count
    let offset = byteCount
    pending.metadata(name: name, map)
    let entry = MetadataIndexEntry(offset: offset, byteCount: UInt64(pending.count - start), name: name)
    if sealer == nil { contents.metadata.append(entry) } else { container.metadata.append(entry) }
    extendDataCRC(from: start)
  }

  /// Notes how far each stream of the folder was recorded, for whoever starts next.
  public mutating func addPositions(_ positions: [String: UInt64]) {
    let sealed = sealer?.sealPositions(PositionList.bytes(positions))
    addMetadata(
      name: SealNote.positionsName, sealed.map { ["sealed": Digits.text($0)] } ?? positions.mapValues { String($0) })
  }

  /// Ends the data: the chain's end, DataEnd. Only ``finish()`` comes afterwards.
  public mutating func endData() {
    guard !hasEnded else { return }
    hasEnded = true
    closeChunk()
    if let sealer {
      writeSeal()
      addMetadata(
        name: SealNote.chainName,
        ["seals": String(sealCount), "head": Digits.text(head), "end": Digits.text(sealer.ending(head))])
    }
    pending.dataEnd(crc: hasDataCRC ? dataCRC : 0)
  }

  private var hasEnded = false

  /// Ends the file: DataEnd, summary, footer. Nothing may be added afterwards.
  public mutating func finish() {
    endData()
    (sealer == nil ? contents : container).write(into: &pending, at: pendingOffset)
  }

  /// Head of the chain so far, 32 bytes; `nil` in a plain file.
  public var chainHead: [UInt8]? { sealer == nil ? nil : head }

  private mutating func extendDataCRC(from start: Int, absorbed: Bool = true) {
    let bytes = UnsafeRawBufferPointer(rebasing: pending.unsafeBytes[start...])
    dataCRC = Compressor.checksum(bytes, after: dataCRC)
    if absorbed { sealer?.absorb(bytes) }
  }

  /// ``pending`` is on its way to the disk: the first `count` bytes of it were written.
  public mutating func written(_ count: Int) {
    pending.removeFirst(count)
    pendingOffset += UInt64(count)
  }

  /// The chunk in hand as one sealed batch, and a seal behind it.
  private mutating func writeSealedChunk() {
    let first = chunkMessageCount == 0 ? 0 : chunkStart
    sealBatch(first)
    let start = pending.count
    // What is sealed is larger than the chunk, so the chunk's memory can't serve; `scratch` can.
    scratch.removeAll()
    if container.channels.isEmpty {
      scratch.channel(SealedChannel.channel)
      container.channels.append(SealedChannel.channel)
      container.messageCounts.append(0)
    }
    let messageOffset = UInt64(scratch.count)
    scratch.message(
      channel: SealedChannel.channel.id, sequence: UInt32(truncatingIfNeeded: sealCount), logTime: first,
      publishTime: chunkEnd, first: batch.unsafeBytes, second: UnsafeRawBufferPointer(start: nil, count: 0))
    container.note(Int(SealedChannel.channel.id), first)
    var entry = ChunkIndexEntry(
      startTime: first, endTime: first, offset: byteCount, byteCount: 0, messageIndexByteCount: 0, compression: "",
      compressedByteCount: UInt64(scratch.count), uncompressedByteCount: UInt64(scratch.count))
    writeChunk(&entry, scratch.unsafeBytes, of: scratch.unsafeBytes)
    entry.messageIndexOffsets = [(SealedChannel.channel.id, byteCount)]
    let indexStart = pending.count
    pending.messageIndex(channel: SealedChannel.channel.id, [(first, messageOffset)])
    entry.messageIndexByteCount = UInt64(pending.count - indexStart)
    container.chunks.append(entry)
    for channel in indexes.indices { indexes[channel].entries.removeAll(keepingCapacity: true) }
    let list = PositionList.bytes(takePositions())
    let positions = sealer?.sealPositions(list) ?? []
    pending.record(MCAP.Opcode.positions) { $0.bytes(positions) }
    extendDataCRC(from: start)
    writeSeal()
  }

  /// How far each stream of the chunk in hand goes.
  private mutating func takePositions() -> [String: UInt64] {
    var positions: [String: UInt64] = [:]
    for channel in ends.indices where ends[channel] > 0 {
      if let key = contents.channels[channel].positionKey { positions[key] = ends[channel] }
      ends[channel] = 0
    }
    return positions
  }

  /// Makes `batch` of the chunk in hand: `compressed u8 | byte count u32 | (record bytes u32 | records |
  /// identities)`, all of it encrypted, the tag behind it.
  private mutating func sealBatch(_ first: UInt64) {
    batch.removeAll()
    batch.u32(UInt32(truncatingIfNeeded: chunk.count))
    batch.bytes(chunk.unsafeBytes)
    Self.write(chunkMessageCount, identities.unsafeBytes, into: &batch)
    let plainByteCount = batch.count
    let compressed = compress(batch.unsafeBytes)
    if compressed == nil {
      scratch.removeAll()
      scratch.bytes(batch.unsafeBytes)
    }
    batch.removeAll()
    batch.u8(compressed == nil ? 0 : 1)
    batch.u32(UInt32(truncatingIfNeeded: plainByteCount))
    batch.bytes(scratch.unsafeBytes)
    _ = batch.room(16)
    let place = batchPlace(
      segment: sealer?.segment ?? [], channel: SealedChannel.channel.id, number: sealCount, first: first, last: chunkEnd,
      head: head)
    sealer?.seal(batch.unsafeMutableBytes, number: sealCount, additional: place)
    batch.advance(16)
  }

  private mutating func writeSeal() {
    let seal = ChainSeal(number: sealCount, before: head, digest: sealer?.digest() ?? [])
    let code = sealer?.attest(seal.bytes) ?? []
    let start = pending.count
    pending.record(MCAP.Opcode.seal) { seal.write(code: code, into: &$0) }
    extendDataCRC(from: start, absorbed: false)
    head = sealer?.hash(seal.bytes) ?? []
    sealCount += 1
  }
}

extension SegmentWriter where Sealer == NoSealer {
  /// Begins a plain file.
  public init(compressor: Compressor, library: String, chunkCapacity: Int) {
    self.init(compressor: compressor, sealer: nil, library: library, chunkCapacity: chunkCapacity)
  }
}
