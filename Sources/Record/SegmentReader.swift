import STTChecksum
import STTSample

/// Walks one MCAP file from start to end in constant memory: the largest chunk's.
///
/// It believes nothing: every length is checked against the file, every chunk against its CRC.
public struct SegmentReader<Source: ByteSource, Decompressor: ChunkDecompressor, Opener: SegmentOpener>: ~Copyable {
  /// A chunk of ours is a few hundred KiB; nobody's is larger than this.
  static var largestChunk: UInt64 { 1 << 28 }

  /// What ``next()`` found.
  public enum Step: Hashable, Sendable {
    /// A chunk with its identities; see ``forEachMessage(_:)``.
    case chunk
    case metadata(name: String, [String: String])
    /// DataEnd: what follows repeats what was.
    case dataEnd
    case end
  }

  var source: Source
  private var decompressor: Decompressor
  private var opener: Opener
  /// Where the next record begins.
  public internal(set) var offset: UInt64 = 0
  /// Where the last chunk began, and the end of the last whole group: chunk, indexes, identities.
  public private(set) var chunkOffset: UInt64 = 0
  public private(set) var groupEnd: UInt64 = 0
  private var record = ByteStore(capacity: 1 << 16)
  var chunk = ReadChunk()
  /// What a sealed batch was unpacked to. Kept: memory that is new each time costs more than decrypting into it.
  private var batch = ByteStore(capacity: 4096)
  public internal(set) var schemas: [UInt16: RecordedSchema] = [:]
  public internal(set) var channels: [UInt16: RecordedChannel] = [:] {
    didSet { for id in channels.keys { chunk.know(id) } }
  }
  /// Whether ``next()`` passed DataEnd, and its CRC was right or absent.
  public private(set) var isFinished = false
  private var dataCRC: UInt32 = 0
  var summary = SegmentSummary()
  /// Whether ``checkSummary()`` holds a sealed file's summary against its records: for that its chunks are noted, in memory
  /// that grows with the file.
  public var checksSummary = true
  /// Whether all chunks are noted, for a summary to be written.
  var notesChunks = false
  /// What is known of the seal of a sealed file; `nil` for a plain one.
  public private(set) var seal: SegmentSealState?
  /// How far each stream goes, from records that only the collector can read.
  public private(set) var sealedPositions: [String: UInt64] = [:]
  /// Whether a damaged part was passed over, so that no checksum of the whole can be right.
  var isResumed = false
  private var recordHead: [UInt8] = []
  /// Whether the record read last is still to be hashed into the chain.
  private var isUnabsorbed = false
  /// Whether what was read so far belongs to a sealed file, or may: its note is the first record after the header.
  private var mayBeSealed = true

  /// Reads the file's beginning.
  public init(_ source: Source, decompressor: Decompressor, opener: Opener) throws {
    self.source = source
    self.decompressor = decompressor
    self.opener = opener
    var start = [UInt8](repeating: 0, count: MCAP.magic.count)
    let got = try start.withUnsafeMutableBytes { try self.source.read(at: 0, into: $0) }
    guard got == start.count else {
      throw SegmentDamage(kind: .cut, offset: 0, what: "the file is empty or a few bytes long")
    }
    guard start == MCAP.magic else { throw SegmentDamage(kind: .altered, offset: 0, what: "this is no MCAP file") }
    start.withUnsafeBytes {
      dataCRC = Decompressor.checksum($0, after: 0)
      self.opener.absorb($0)
    }
    offset = UInt64(start.count)
    groupEnd = offset
  }

  /// The next thing in the file.
  public mutating func next() throws -> Step {
    chunk.removeAll()
    while true {
      if offset == source.byteCount {
        throw SegmentDamage(kind: .cut, offset: offset, what: "the file ends without a footer")
      }
      let at = offset
      let opcode = try readRecord()
      defer { if seal == nil, opcode != MCAP.Opcode.header { mayBeSealed = false } }
      var cursor = RecordCursor(RawSpan(_unsafeBytes: record.unsafeBytes))
      switch opcode {
      case MCAP.Opcode.chunk:
        try takeChunk(at)
        return .chunk
      case MCAP.Opcode.metadata:
        guard let name = cursor.text(), let map = cursor.texts() else { throw altered(at, "a metadata record is malformed") }
        try takeMetadata(name, map, at)
        return .metadata(name: name, map)
      case MCAP.Opcode.dataEnd:
        guard let crc = cursor.u32() else { throw altered(at, "the data end record is malformed") }
        guard crc == 0 || isResumed || crc == crcBeforeRecord else {
          throw altered(at, "the data section's checksum is wrong")
        }
        try seal?.checkEnd(at, hasChecksum: crc != 0)
        isFinished = true
        return .dataEnd
      case MCAP.Opcode.seal where seal != nil:
        try takeSeal(at)
        groupEnd = offset
      case MCAP.Opcode.header where at == UInt64(MCAP.magic.count):
        groupEnd = offset
      case _ where seal != nil:
        throw altered(at, "a record of kind \(opcode) has no place here")
      case MCAP.Opcode.seal where channels.values.contains { $0.messageEncoding == SealedChannel.channel.messageEncoding }:
        throw altered(at, "a seal stands in a file whose note of how it is sealed is gone")
      case MCAP.Opcode.schema:
        try takeSchema(&cursor, at)
      case MCAP.Opcode.channel:
        try takeChannel(&cursor, at)
      case MCAP.Opcode.message:
        // A file of another writer may hold messages outside chunks.
        chunkOffset = at
        chunk.take(message: record.unsafeBytes, at: at)
        return .chunk
      case MCAP.Opcode.attachment:
        try takeAttachment(&cursor, at)
        groupEnd = offset
      default:
        break
      }
    }
  }

  private mutating func takeMetadata(_ name: String, _ map: [String: String], _ at: UInt64) throws {
    summary.metadata.append(MetadataIndexEntry(offset: at, byteCount: offset - at, name: name))
    if name == SealNote.name {
      // The note is the first record after the header, or somebody put it there.
      guard let note = SealNote(map), seal == nil, mayBeSealed, summary.metadata.count == 1, channels.isEmpty else {
        throw altered(at, "the seal's note is malformed or in the wrong place")
      }
      seal = SegmentSealState(note, isOpened: opener.begin(note))
      groupEnd = offset
    } else if seal == nil {
      groupEnd = offset
    } else {
      try seal?.take(name, map, at, opener)
      if name == SealNote.positionsName, let sealed = map["sealed"].flatMap({ Digits.bytes($0) }),
        let positions = opener.openPositions(sealed).flatMap({ PositionList.positions($0) })
      {
        sealedPositions.merge(positions) { max($0, $1) }
      }
    }
  }

  /// Checks a link of the chain.
  private mutating func takeSeal(_ at: UInt64) throws {
    guard let (link, code) = ChainSeal.read(record.unsafeBytes), let state = seal else {
      throw altered(at, "a seal is malformed")
    }
    guard link.number == state.count else {
      throw altered(at, "seal \(link.number) stands where \(state.count) belongs: records were removed, repeated or moved")
    }
    isUnabsorbed = false
    if opener.hashes {
      guard link.before == state.head else { throw altered(at, "seal \(link.number) does not follow the one before it") }
      guard link.digest == opener.digest() else {
        throw altered(at, "what seal \(link.number) covers is not what was recorded")
      }
      let attested = opener.attests(link.bytes, code)
      guard attested != false else { throw altered(at, "the code of seal \(link.number) is wrong") }
      let head = opener.hash(link.bytes)
      opener.reached(head)
      seal?.note(head, isAttested: attested)
    } else {
      seal?.note(link.before, isAttested: nil)
    }
  }

  /// The CRC of everything before the record that was read last.
  private var crcBeforeRecord: UInt32 = 0

  func altered(_ offset: UInt64, _ what: String) -> SegmentDamage {
    SegmentDamage(kind: .altered, offset: offset, what: what)
  }

  /// Hashes the record in hand into the chain, before `record` is used for something else.
  private mutating func absorbRecord() {
    guard isUnabsorbed else { return }
    recordHead.withUnsafeBytes { opener.absorb($0) }
    opener.absorb(record.unsafeBytes)
    isUnabsorbed = false
  }

  /// Reads the record at ``offset`` into `record` and moves on.
  private mutating func readRecord() throws -> UInt8 {
    absorbRecord()
    var head = [UInt8](repeating: 0, count: MCAP.recordHeadByteCount)
    let got = try head.withUnsafeMutableBytes { try source.read(at: offset, into: $0) }
    guard got == head.count else { throw SegmentDamage(kind: .cut, offset: offset, what: "a record is cut") }
    let length = (1...8).reduce(UInt64(0)) { $0 | UInt64(head[$1]) << UInt64(8 * ($1 - 1)) }
    let left = source.byteCount - offset - UInt64(head.count)
    guard head[0] != 0 else { throw altered(offset, "a record has opcode 0") }
    guard length <= left else {
      throw SegmentDamage(kind: .cut, offset: offset, what: "a record of \(length) bytes has \(left) left")
    }
    guard length <= Self.largestChunk else { throw altered(offset, "a record claims \(length) bytes") }
    crcBeforeRecord = dataCRC
    record.removeAll()
    let destination = UnsafeMutableRawBufferPointer(start: record.room(Int(length)), count: Int(length))
    let filled = try source.read(at: offset + UInt64(head.count), into: destination)
    guard filled == Int(length) else { throw SegmentDamage(kind: .cut, offset: offset, what: "a record is cut") }
    record.advance(Int(length))
    head.withUnsafeBytes { dataCRC = Decompressor.checksum($0, after: dataCRC) }
    // A chunk's follows from the checksum that its content is held against.
    if head[0] != MCAP.Opcode.chunk { dataCRC = Decompressor.checksum(record.unsafeBytes, after: dataCRC) }
    offset += UInt64(head.count) + length
    recordHead = head
    isUnabsorbed = opener.hashes && mayBeSealed
    return head[0]
  }

  private mutating func takeChunk(_ at: UInt64) throws {
    chunkOffset = at
    let entry = try unpackChunk(at)
    if seal == nil {
      try takeDefinitions(at)
      try takeIndexes(entry, at)
    } else {
      try takeSealedChunk(entry, at)
    }
    groupEnd = offset
  }

  /// The records that belong to a plain chunk come right after it.
  private mutating func takeIndexes(_ chunkEntry: ChunkIndexEntry, _ at: UInt64) throws {
    var entry = chunkEntry
    while offset < source.byteCount {
      let before = offset
      let crc = dataCRC
      let opcode = try readRecord()
      var cursor = RecordCursor(RawSpan(_unsafeBytes: record.unsafeBytes))
      if opcode == MCAP.Opcode.messageIndex {
        guard let channel = cursor.u16() else { throw altered(before, "a message index is malformed") }
        entry.messageIndexOffsets.append((channel, before))
        entry.messageIndexByteCount += offset - before
      } else if opcode == MCAP.Opcode.identities {
        try takeIdentities(record.unsafeBytes, before)
        break
      } else {
        offset = before
        dataCRC = crc
        isUnabsorbed = false
        break
      }
    }
    if !chunk.hasIdentities, channels.values.contains(where: { $0.metadata["stt.delivery"] != nil }) {
      // Every chunk of ours is followed by them; another writer's is not.
      throw SegmentDamage(
        kind: offset == source.byteCount ? .cut : .altered, offset: at, what: "a chunk's identities are missing")
    }
    if notesChunks { summary.chunks.append(entry) }
  }

  /// A sealed group is a chunk with one batch, its index, the positions and the seal, in this order.
  private mutating func takeSealedChunk(_ chunkEntry: ChunkIndexEntry, _ at: UInt64) throws {
    var entry = chunkEntry
    var found: Range<Int>?
    var others = 0
    var position = 0
    while let (opcode, content) = try chunk.nextRecord(&position, withMessages: true) {
      switch opcode {
      case MCAP.Opcode.message: if found == nil { found = content } else { others += 1 }
      case MCAP.Opcode.schema, MCAP.Opcode.channel: try takeDefinition(opcode, content, at, isContainer: true)
      default: break
      }
    }
    guard let found, others == 0, summary.channels == [SealedChannel.channel], entry.compression.isEmpty else {
      throw altered(at, "a sealed chunk holds something else than one batch")
    }
    let first = try openBatch(found, at)
    summary.note(Int(SealedChannel.channel.id), first)
    let indexAt = try expect(MCAP.Opcode.messageIndex, "a batch's index")
    entry.messageIndexOffsets = [(SealedChannel.channel.id, indexAt)]
    entry.messageIndexByteCount = offset - indexAt
    _ = try expect(MCAP.Opcode.positions, "a batch's positions")
    let positions = opener.openPositions([UInt8](record.unsafeBytes))
    let sealAt = try expect(MCAP.Opcode.seal, "a batch's seal")
    try takeSeal(sealAt)
    if let positions = positions.flatMap({ PositionList.positions($0) }) { sealedPositions.merge(positions) { max($0, $1) } }
    if notesChunks || checksSummary { summary.chunks.append(entry) }
  }

  private mutating func expect(_ opcode: UInt8, _ what: String) throws -> UInt64 {
    let at = offset
    guard offset < source.byteCount else { throw SegmentDamage(kind: .cut, offset: at, what: "\(what) is missing") }
    guard try readRecord() == opcode else { throw altered(at, "\(what) is missing") }
    return at
  }

  /// Decrypts the batch that the chunk in hand is made of and takes its place; leaves nothing without
  /// its key. Answers the time of its first message.
  private mutating func openBatch(_ place: Range<Int>, _ at: UInt64) throws -> UInt64 {
    let message = UnsafeMutableRawBufferPointer(rebasing: chunk.unsafeMutableBytes[place])
    var cursor = RecordCursor(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(message)))
    guard let channel = cursor.u16(), let sequence = cursor.u32(), let first = cursor.u64(), let last = cursor.u64(),
      let state = seal
    else { throw altered(at, "a batch is shorter than its head") }
    guard channel == SealedChannel.channel.id, sequence == UInt32(truncatingIfNeeded: state.count) else {
      throw altered(at, "batch \(sequence) stands where \(state.count) belongs: records were removed, repeated or moved")
    }
    guard state.isOpened else {
      chunk.removeAll()
      return first
    }
    guard cursor.left >= 21 else { throw altered(at, "a batch is too short to be sealed") }
    let text = UnsafeMutableRawBufferPointer(rebasing: message[22...])
    let additional = batchPlace(
      segment: state.note.segment, channel: channel, number: state.count, first: first, last: last, head: state.head)
    guard opener.open(text, number: state.count, additional: additional) else {
      throw altered(at, "batch \(state.count) is not what was sealed here")
    }
    try unpackBatch((place.lowerBound + 22)..<(place.upperBound - 16), at)
    return first
  }

  /// Takes the place of the chunk in hand with what was sealed in it: the records, and who their messages are.
  private mutating func unpackBatch(_ place: Range<Int>, _ at: UInt64) throws {
    let text = UnsafeRawBufferPointer(rebasing: chunk.unsafeMutableBytes[place])
    let size = Int(UInt32(littleEndian: text.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
    guard size <= Self.largestChunk else { throw altered(at, "a batch claims \(size) bytes") }
    if text[0] == 0 {
      guard text.count - 5 == size else { throw altered(at, "a batch's two sizes differ") }
      chunk.narrow(to: (place.lowerBound + 5)..<place.upperBound)
    } else {
      batch.removeAll()
      let destination = UnsafeMutableRawBufferPointer(start: batch.room(size), count: size)
      guard decompressor.decompress(UnsafeRawBufferPointer(rebasing: text[5...]), compression: "zstd", into: destination)
      else { throw altered(at, "a batch can't be unpacked") }
      batch.advance(size)
      chunk.take(&batch, records: 0..<size, at: at)
    }
    let plain = UnsafeRawBufferPointer(chunk.unsafeMutableBytes)
    var cursor = RecordCursor(RawSpan(_unsafeBytes: plain))
    guard let length = cursor.u32(), Int(length) <= cursor.left else { throw altered(at, "a batch is malformed") }
    let end = 4 + Int(length)
    chunk.narrow(to: 4..<end)
    try takeDefinitions(at)
    try takeIdentities(UnsafeRawBufferPointer(rebasing: plain[end...]), at)
  }

  private mutating func unpackChunk(_ at: UInt64) throws -> ChunkIndexEntry {
    var cursor = RecordCursor(RawSpan(_unsafeBytes: record.unsafeBytes))
    guard let start = cursor.u64(), let end = cursor.u64(), let size = cursor.u64(), let crc = cursor.u32(),
      let compression = cursor.text(), let stored = cursor.u64(), Int(exactly: stored) == cursor.left
    else { throw altered(at, "a chunk's head is malformed") }
    guard size <= Self.largestChunk else { throw altered(at, "a chunk claims \(size) bytes") }
    let data = (record.count - cursor.left)..<record.count
    let packed = UnsafeRawBufferPointer(rebasing: record.unsafeBytes[data])
    let packedCRC = Decompressor.checksum(packed, after: 0)
    dataCRC = Decompressor.checksum(
      UnsafeRawBufferPointer(rebasing: record.unsafeBytes[..<data.lowerBound]), after: dataCRC)
    dataCRC = CRC32.joined(dataCRC, packedCRC, byteCount: data.count)
    var contentCRC = packedCRC
    if compression.isEmpty {
      guard size == stored else { throw altered(at, "a chunk's two sizes differ") }
      absorbRecord()
      chunk.take(&record, records: data, at: at)
    } else {
      guard decompressor.decompress(packed, compression: compression, into: chunk.room(Int(size))) else {
        throw altered(at, "a chunk compressed with \(compression) can't be unpacked")
      }
      chunk.filled(Int(size), at: at)
      if crc != 0 { contentCRC = Decompressor.checksum(UnsafeRawBufferPointer(chunk.unsafeMutableBytes), after: 0) }
    }
    guard crc == 0 || crc == contentCRC else { throw altered(at, "a chunk's checksum is wrong") }
    return ChunkIndexEntry(
      startTime: start, endTime: end, offset: at, byteCount: offset - at, messageIndexByteCount: 0,
      compression: compression, compressedByteCount: stored, uncompressedByteCount: size)
  }

  /// Goes through the records of the chunk in hand and takes those that describe messages.
  private mutating func takeDefinitions(_ at: UInt64) throws {
    var position = 0
    while let (opcode, content) = try chunk.nextRecord(&position, withMessages: false) {
      try takeDefinition(opcode, content, at)
    }
  }

  /// - Parameter isContainer: whether it describes the file's own channels, and not what was sealed in it.
  private mutating func takeDefinition(
    _ opcode: UInt8, _ content: Range<Int>, _ at: UInt64, isContainer: Bool = false
  ) throws {
    let bytes = UnsafeRawBufferPointer(rebasing: chunk.unsafeMutableBytes[content])
    var cursor = RecordCursor(RawSpan(_unsafeBytes: bytes))
    switch opcode {
    case MCAP.Opcode.schema: try takeSchema(&cursor, at)
    case MCAP.Opcode.channel: try takeChannel(&cursor, at, isContainer: isContainer)
    default: break
    }
  }

  private mutating func takeIdentities(_ bytes: UnsafeRawBufferPointer, _ at: UInt64) throws {
    try chunk.takeIdentities(bytes, at: at) { Decompressor.checksum($0, after: $1) }
  }

  private mutating func takeSchema(_ cursor: inout RecordCursor, _ at: UInt64) throws {
    guard let schema = RecordedSchema(&cursor) else { throw altered(at, "a schema record is malformed") }
    if schemas.updateValue(schema, forKey: schema.id) == nil, seal == nil { summary.schemas.append(schema) }
  }

  private mutating func takeChannel(_ cursor: inout RecordCursor, _ at: UInt64, isContainer: Bool = false) throws {
    guard let channel = RecordedChannel(&cursor) else { throw altered(at, "a channel record is malformed") }
    if isContainer {
      guard summary.channels.isEmpty else { throw altered(at, "a sealed file has a second channel") }
    } else if channels.updateValue(channel, forKey: channel.id) != nil || seal != nil {
      return
    }
    summary.channels.append(channel)
    while summary.messageCounts.count <= Int(channel.id) { summary.messageCounts.append(0) }
  }

  private mutating func takeAttachment(_ cursor: inout RecordCursor, _ at: UInt64) throws {
    guard let logTime = cursor.u64(), let createTime = cursor.u64(), let name = cursor.text(),
      let mediaType = cursor.text(), let length = cursor.u64(), cursor.left >= 4, length == UInt64(cursor.left - 4)
    else { throw altered(at, "an attachment is malformed") }
    let bytes = record.unsafeBytes
    let crc = Decompressor.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 4)]), after: 0)
    let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self))
    guard stored == 0 || stored == crc else { throw altered(at, "an attachment's checksum is wrong") }
    summary.attachments.append(
      AttachmentIndexEntry(
        offset: at, byteCount: offset - at, logTime: logTime, createTime: createTime, dataByteCount: length, name: name,
        mediaType: mediaType))
  }
}

extension SegmentReader where Opener == NoOpener {
  /// Reads the file's beginning; sealed batches stay closed.
  public init(_ source: Source, decompressor: Decompressor) throws {
    try self.init(source, decompressor: decompressor, opener: NoOpener())
  }
}
