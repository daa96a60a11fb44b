import STTChecksum
public import STTSample

/// Turns messages into the bytes of one MCAP file. Does no output: take ``pending`` to the disk.
///
/// Messages gather in a chunk; ``closeChunk()`` puts its indexes and its identities behind it, and it is ``pending``. A file
/// cut anywhere gives back every chunk before the cut. With a sealer every chunk is one sealed batch, and the file a chain
/// (docs/recording.md, Sealing).
public struct SegmentWriter<Compressor: ChunkCompressor, Sealer: SegmentSealer>: ~Copyable {
  /// What belongs at ``pendingOffset`` of the file, and behind it the chunk in hand.
  var store: ByteStore
  /// Where in the file ``pending`` begins.
  public private(set) var pendingOffset: UInt64
  var chunk: OpenChunk
  /// What a chunk was compressed to.
  var packed: ByteStore
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
    store.bytes(MCAP.magic)
    store.header(profile: "", library: library)
    extendDataCRC(from: 0)
    if let sealer {
      head = sealer.previousHead
      addMetadata(name: SealNote.name, sealer.note)
    }
  }

  private init(compressor: Compressor, memory: consuming SegmentMemory, chunkCapacity: Int, isSealed: Bool) {
    store = memory.store.take() ?? ByteStore(capacity: chunkCapacity + 65_536)
    store.removeAll()
    packed = memory.packed.take() ?? ByteStore(capacity: 0)
    chunk = OpenChunk(
      identities: memory.identities.take() ?? ByteStore(capacity: min(chunkCapacity, 65_536)), isSealed: isSealed)
    self.compressor = compressor
    contents = SegmentSummary()
    pendingOffset = 0
  }

  /// The memory of a writer that is needed no more.
  public consuming func takeMemory() -> SegmentMemory {
    SegmentMemory(store: store, packed: packed, identities: chunk.identities)
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

  /// Bytes that belong at ``pendingOffset`` of the file; valid until the next change.
  public var pending: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: store.unsafeBytes[..<closedByteCount]) }

  private var closedByteCount: Int { chunk.place ?? store.count }

  /// Bytes of the present chunk before compression.
  public var chunkByteCount: Int { chunk.place == nil ? 0 : store.count - chunk.data }
  public var chunkIsEmpty: Bool { chunk.messageCount == 0 }
  /// Messages written to the file, the present chunk's included.
  public var messageCount: UInt64 { contents.messageCount + UInt64(chunk.messageCount) }
  /// Bytes of the file so far, the present chunk not counted.
  public var byteCount: UInt64 { pendingOffset + UInt64(closedByteCount) }

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
        chunk.add(fresh, to: &store)
        schemaID = fresh.id
      }
    }
    let channel = RecordedChannel(
      id: UInt16(contents.channels.count), schema: schemaID, topic: topic,
      messageEncoding: schema.encoding, metadata: metadata)
    contents.channels.append(channel)
    contents.messageCounts.append(0)
    chunk.add(channel, compresses: compresses, to: &store)
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
    chunk.append(identity, logTime: logTime, publishTime: publishTime, first: first, second: second, to: &store)
  }

  /// Ends the present chunk: it is ``pending`` then.
  public mutating func closeChunk() {
    guard let place = chunk.place else { return }
    if chunk.messageCount > 0 {
      contents.firstTime = min(contents.firstTime, chunk.start)
      contents.lastTime = max(contents.lastTime, chunk.end)
    }
    for channel in chunk.channels.indices {
      contents.messageCounts[channel] += UInt64(chunk.channels[channel].messageCount)
    }
    if sealer == nil { closePlainChunk(place) } else { closeSealedChunk(place) }
    chunk.removeAll()
  }

  private mutating func closePlainChunk(_ place: Int) {
    var data = chunk.data
    var entry = ChunkIndexEntry(
      startTime: chunk.firstTime, endTime: chunk.end, offset: pendingOffset + UInt64(place), byteCount: 0,
      messageIndexByteCount: 0, compression: "", compressedByteCount: 0,
      uncompressedByteCount: UInt64(store.count - data))
    let crc = Compressor.checksum(UnsafeRawBufferPointer(rebasing: store.unsafeBytes[data...]), after: 0)
    if compress(from: data) {
      entry.compression = compressor.name
      store.truncate(to: place)
      _ = store.beginChunk(compression: entry.compression)
      data = store.count
      store.bytes(packed.unsafeBytes)
    }
    endChunk(&entry, place, data, crc: crc)
    let indexStart = store.count
    chunk.writeIndex(into: &store, at: pendingOffset, noting: &entry.messageIndexOffsets)
    entry.messageIndexByteCount = UInt64(store.count - indexStart)
    let (count, entries) = (chunk.messageCount, chunk.identities.unsafeBytes)
    store.record(MCAP.Opcode.identities) { Self.write(count, entries, into: &$0) }
    contents.chunks.append(entry)
    if entry.compression.isEmpty {
      extendDataCRC(from: place, known: data..<indexStart, crc)
    } else {
      extendDataCRC(from: place)
    }
  }

  /// Fills in the head of the chunk that began at `place` and whose data goes from `data` to the end.
  mutating func endChunk(_ entry: inout ChunkIndexEntry, _ place: Int, _ data: Int, crc: UInt32) {
    entry.compressedByteCount = UInt64(store.count - data)
    store.endChunk(
      place, data: data, start: entry.startTime, end: entry.endTime,
      uncompressedByteCount: Int(entry.uncompressedByteCount), crc: crc)
    entry.byteCount = UInt64(store.count - place)
  }

  /// Compresses what lies from `start` on, into `packed`; `false` where that doesn't pay.
  mutating func compress(from start: Int) -> Bool {
    let bytes = UnsafeRawBufferPointer(rebasing: store.unsafeBytes[start...])
    guard chunk.compresses, !compressor.name.isEmpty, bytes.count > 256 else { return false }
    packed.removeAll()
    let room = UnsafeMutableRawBufferPointer(start: packed.room(bytes.count), count: bytes.count)
    guard let length = compressor.compress(bytes, into: room) else { return false }
    packed.advance(length)
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
    let start = store.count
    let offset = byteCount
    store.metadata(name: name, map)
    let entry = MetadataIndexEntry(offset: offset, byteCount: UInt64(store.count - start), name: name)
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
    store.dataEnd(crc: hasDataCRC ? dataCRC : 0)
  }

  private var hasEnded = false

  /// Ends the file: DataEnd, summary, footer. Nothing may be added afterwards.
  public mutating func finish() {
    endData()
    (sealer == nil ? contents : container).write(into: &store, at: pendingOffset)
  }

  /// Head of the chain so far, 32 bytes; `nil` in a plain file.
  public var chainHead: [UInt8]? { sealer == nil ? nil : head }

  /// Takes what lies from `start` on into the data section's checksum and, if `absorbed`, into the chain.
  ///
  /// - Parameter known: a part whose checksum is `crc`.
  mutating func extendDataCRC(from start: Int, absorbed: Bool = true, known: Range<Int>? = nil, _ crc: UInt32 = 0) {
    let bytes = store.unsafeBytes
    var rest = start
    if let known {
      dataCRC = Compressor.checksum(UnsafeRawBufferPointer(rebasing: bytes[start..<known.lowerBound]), after: dataCRC)
      dataCRC = CRC32.joined(dataCRC, crc, byteCount: known.count)
      rest = known.upperBound
    }
    dataCRC = Compressor.checksum(UnsafeRawBufferPointer(rebasing: bytes[rest...]), after: dataCRC)
    if absorbed { sealer?.absorb(UnsafeRawBufferPointer(rebasing: bytes[start...])) }
  }

  /// ``pending`` is on its way to the disk: the first `count` bytes of it were written.
  public mutating func written(_ count: Int) {
    precondition(count <= closedByteCount, "only bytes that were pending")
    store.removeFirst(count)
    chunk.moved(by: count)
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
  var store: ByteStore?
  var packed: ByteStore?
  var identities: ByteStore?

  public init() {}

  init(store: consuming ByteStore, packed: consuming ByteStore, identities: consuming ByteStore) {
    self.store = .some(store)
    self.packed = .some(packed)
    self.identities = .some(identities)
  }
}
