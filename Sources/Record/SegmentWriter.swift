public import STTSample

/// Turns messages into the bytes of one MCAP file. Does no output: take ``pending`` to the disk.
///
/// Messages gather in a chunk; ``closeChunk()`` moves it, its indexes and its identities to
/// ``pending``. A file cut anywhere gives back every chunk before the cut. With a sealer every chunk is one
/// sealed batch, and the file a chain (docs/recording.md, Sealing).
public struct SegmentWriter<Compressor: ChunkCompressor, Sealer: SegmentSealer>: ~Copyable {
  /// Bytes that belong at ``pendingOffset`` of the file.
  public internal(set) var pending: ByteStore
  /// Where in the file ``pending`` begins.
  public private(set) var pendingOffset: UInt64
  var chunk: OpenChunk
  private var compressor: Compressor
  /// What the messages are on.
  private var contents: SegmentSummary
  /// What the file shows of itself, when that is not its contents.
  var container = SegmentSummary()
  private var dataCRC: UInt32 = 0
  var sealer: Sealer?
  var sealCount: UInt64 = 0
  var head: [UInt8] = []

  /// Begins a file; a plain one without a sealer.
  ///
  /// - Parameter memory: of a writer that finished a file, to be used again.
  public init(
    compressor: Compressor, sealer: Sealer?, library: String, chunkCapacity: Int,
    memory: consuming SegmentMemory = SegmentMemory()
  ) {
    self.init(compressor: compressor, memory: memory, chunkCapacity: chunkCapacity, isSealed: sealer != nil)
    self.sealer = sealer
    pending.bytes(MCAP.magic)
    pending.header(profile: "", library: library)
    extendDataCRC(from: 0)
    if let sealer {
      head = sealer.previousHead
      addMetadata(name: SealNote.name, sealer.note)
    }
  }

  private init(compressor: Compressor, memory: consuming SegmentMemory, chunkCapacity: Int, isSealed: Bool) {
    pending = memory.pending.take() ?? ByteStore(capacity: chunkCapacity + 65_536)
    pending.removeAll()
    chunk = OpenChunk(
      records: memory.records.take() ?? ByteStore(capacity: chunkCapacity + 65_536),
      identities: memory.identities.take() ?? ByteStore(capacity: min(chunkCapacity, 65_536)), isSealed: isSealed)
    self.compressor = compressor
    contents = SegmentSummary()
    pendingOffset = 0
  }

  /// The memory of a writer that is needed no more.
  public consuming func takeMemory() -> SegmentMemory {
    SegmentMemory(pending: pending, records: chunk.records, identities: chunk.identities)
  }

  /// Goes on to finish a file whose first `offset` bytes hold what `summary` tells.
  init(finishing summary: SegmentSummary, at offset: UInt64, compressor: Compressor) {
    self.init(compressor: compressor, memory: SegmentMemory(), chunkCapacity: 4096, isSealed: false)
    contents = summary
    pendingOffset = offset
    hasDataCRC = false
  }

  /// A file that was cut has bytes this writer never saw.
  private var hasDataCRC = true

  /// Bytes of the present chunk before compression.
  public var chunkByteCount: Int { chunk.records.count }
  public var chunkIsEmpty: Bool { chunk.messageCount == 0 }
  /// Messages written to the file, the present chunk's included.
  public var messageCount: UInt64 { contents.messageCount + UInt64(chunk.messageCount) }
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
        chunk.records.schema(fresh)
        schemaID = fresh.id
      }
    }
    let channel = RecordedChannel(
      id: UInt16(contents.channels.count), schema: schemaID, topic: topic,
      messageEncoding: schema.encoding, metadata: metadata)
    contents.channels.append(channel)
    contents.messageCounts.append(0)
    chunk.add(channel, compresses: compresses)
    return channel.id
  }

  /// Adds one message whose payload is `first` and then `second`.
  ///
  /// - Parameters:
  ///   - logTime: when the collector received it, nanoseconds since 1970.
  ///   - publishTime: the device's time of it, corrected as far as known.
  public mutating func append(
    _ identity: MessageIdentity, logTime: UInt64, publishTime: UInt64, first: UnsafeRawBufferPointer,
    second: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    chunk.append(identity, logTime: logTime, publishTime: publishTime, first: first, second: second)
  }

  /// Moves the present chunk to ``pending``.
  public mutating func closeChunk() {
    guard !chunk.isEmpty else { return }
    if chunk.messageCount > 0 {
      contents.firstTime = min(contents.firstTime, chunk.start)
      contents.lastTime = max(contents.lastTime, chunk.end)
    }
    for channel in chunk.channels.indices {
      contents.messageCounts[channel] += UInt64(chunk.channels[channel].messageCount)
    }
    if sealer == nil { writePlainChunk() } else { writeSealedChunk() }
    chunk.removeAll()
  }

  private mutating func writePlainChunk() {
    let start = pending.count
    var entry = ChunkIndexEntry(
      startTime: chunk.firstTime, endTime: chunk.end, offset: byteCount, byteCount: 0,
      messageIndexByteCount: 0, compression: compressor.name, compressedByteCount: 0,
      uncompressedByteCount: UInt64(chunk.records.count))
    var data = beginChunk(entry)
    if !compressChunk() {
      pending.truncate(to: start)
      entry.compression = ""
      data = beginChunk(entry)
      pending.bytes(chunk.records.unsafeBytes)
    }
    entry.compressedByteCount = UInt64(pending.count - data)
    endChunk(&entry, start, data, crc: Compressor.checksum(chunk.records.unsafeBytes, after: 0))
    let indexStart = pending.count
    chunk.writeIndex(into: &pending, at: pendingOffset, noting: &entry.messageIndexOffsets)
    entry.messageIndexByteCount = UInt64(pending.count - indexStart)
    let (count, entries) = (chunk.messageCount, chunk.identities.unsafeBytes)
    pending.record(MCAP.Opcode.identities) { Self.write(count, entries, into: &$0) }
    contents.chunks.append(entry)
    extendDataCRC(from: start)
  }

  /// Answers where in `pending` the chunk's data begins.
  mutating func beginChunk(_ entry: ChunkIndexEntry) -> Int {
    _ = pending.beginChunk(start: entry.startTime, end: entry.endTime, compression: entry.compression)
    return pending.count
  }

  mutating func endChunk(_ entry: inout ChunkIndexEntry, _ start: Int, _ data: Int, crc: UInt32) {
    pending.endChunk(start, data: data, uncompressedByteCount: Int(entry.uncompressedByteCount), crc: crc)
    entry.byteCount = UInt64(pending.count - start)
  }

  /// Puts the chunk behind `pending`, compressed; `false`, and nothing, where that doesn't pay.
  mutating func compressChunk() -> Bool {
    let bytes = chunk.records.unsafeBytes
    guard chunk.compresses, !compressor.name.isEmpty, bytes.count > 256 else { return false }
    let room = UnsafeMutableRawBufferPointer(start: pending.room(bytes.count), count: bytes.count)
    guard let length = compressor.compress(bytes, into: room) else { return false }
    pending.advance(length)
    return true
  }

  /// `version u8 | count u32 | entries | crc32 u32`, the CRC over all before it.
  static func write(_ count: UInt32, _ identities: UnsafeRawBufferPointer, into store: inout ByteStore) {
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

  mutating func extendDataCRC(from start: Int, absorbed: Bool = true) {
    let bytes = UnsafeRawBufferPointer(rebasing: pending.unsafeBytes[start...])
    dataCRC = Compressor.checksum(bytes, after: dataCRC)
    if absorbed { sealer?.absorb(bytes) }
  }

  /// ``pending`` is on its way to the disk: the first `count` bytes of it were written.
  public mutating func written(_ count: Int) {
    pending.removeFirst(count)
    pendingOffset += UInt64(count)
  }

  /// How far each stream of the chunk in hand goes.
  func chunkPositions() -> [String: UInt64] {
    var positions: [String: UInt64] = [:]
    for channel in chunk.channels.indices where chunk.channels[channel].messageCount > 0 {
      if let key = contents.channels[channel].positionKey { positions[key] = chunk.channels[channel].endNumber }
    }
    return positions
  }
}

extension SegmentWriter where Sealer == NoSealer {
  /// Begins a plain file.
  public init(compressor: Compressor, library: String, chunkCapacity: Int) {
    self.init(compressor: compressor, sealer: nil, library: library, chunkCapacity: chunkCapacity)
  }
}

/// What a writer puts bytes together in. A recorder that begins one file after another need not ask for it anew.
public struct SegmentMemory: ~Copyable {
  var pending: ByteStore?
  var records: ByteStore?
  var identities: ByteStore?

  public init() {}

  init(pending: consuming ByteStore, records: consuming ByteStore, identities: consuming ByteStore) {
    self.pending = .some(pending)
    self.records = .some(records)
    self.identities = .some(identities)
  }
}
