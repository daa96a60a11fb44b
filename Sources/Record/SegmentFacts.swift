import STTChecksum

/// Reads what the catalogue holds of a finished segment: from its summary, its notes, and the identities of the first
/// and last chunk of each stream. The data is not walked, and what the summary says is believed.
public struct SegmentFacts {
  /// Longest gaps kept of a stream.
  private static let gapCount = 32
  /// Chunks say when something was received to within their age; what is shorter is no gap.
  private static let shortestGap: Int64 = 2_000_000_000
  /// Of its usual intervals, as `stt inspect` has it.
  private static let gapIntervals: Int64 = 5

  /// A channel's chunks.
  private struct Span {
    var first: Int64
    var last: Int64
    /// Where the identities of its first and last chunk lie.
    var firstIdentities: UInt64
    var lastIdentities: UInt64
    var gaps: [(begin: Int64, end: Int64)] = []
  }

  private var spans: [UInt16: Span] = [:]
  private var checksum: UInt32?

  /// `nil` when the file has no sound summary: then it was not finished.
  public static func read<Source: ByteSource>(_ file: Source, name: String) throws -> CataloguedSegment? {
    var source = file
    var facts = SegmentFacts()
    guard let outline = try SegmentOutline.read(source, chunk: { facts.take($0) }),
      let notes = try SegmentNotes.read(&source)
    else { return nil }
    var segment = CataloguedSegment(
      name: name, byteCount: Int64(clamping: source.byteCount), state: outline.isRecovered ? .recovered : .finished)
    if outline.lastTime > 0 {
      segment.firstTime = Int64(clamping: outline.firstTime)
      segment.lastTime = Int64(clamping: outline.lastTime)
    }
    segment.chunkCount = Int64(clamping: outline.chunkCount)
    segment.checksum = try dataChecksum(&source, before: outline.summaryStart).map { Int64($0) }
    if outline.isPlain {
      let counts = outline.messageCounts
      segment.messageCount = counts.values.reduce(0) { $0.addingReportingOverflow(Int64(clamping: $1)).partialValue }
      let schemas = Dictionary(outline.schemas.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
      let numbers = try facts.numbers(&source)
      segment.streams = outline.channels.map { channel in
        var stream = CataloguedStream(channel, schema: schemas[channel.schema] ?? "")
        stream.messageCount = Int64(clamping: counts[channel.id] ?? 0)
        (stream.firstTime, stream.lastTime) = (facts.spans[channel.id]?.first, facts.spans[channel.id]?.last)
        (stream.firstNumber, stream.endNumber) = (numbers.first[channel.id], numbers.end[channel.id])
        return stream
      }
      for stream in segment.streams { segment.gaps += facts.gaps(stream.channel, stream.topic, stream.messageCount) }
    } else {
      segment.seal = CataloguedSeal(notes)
      segment.gaps = facts.gaps(Int64(SealedChannel.channel.id), "", segment.chunkCount)
    }
    return segment
  }

  private mutating func take(_ chunk: ChunkIndexEntry) {
    let (begin, end) = (Int64(clamping: chunk.startTime), Int64(clamping: chunk.endTime))
    let identities = chunk.offset &+ chunk.byteCount &+ chunk.messageIndexByteCount
    for (channel, _) in chunk.messageIndexOffsets {
      guard var span = spans[channel] else {
        spans[channel] = Span(first: begin, last: end, firstIdentities: identities, lastIdentities: identities)
        continue
      }
      if begin > span.last, begin - span.last >= Self.shortestGap {
        span.gaps.append((span.last, begin))
        if span.gaps.count > 2 * Self.gapCount { span.gaps = Self.longest(span.gaps) }
      }
      span.first = min(span.first, begin)
      span.last = max(span.last, end)
      span.lastIdentities = identities
      spans[channel] = span
    }
  }

  private static func longest(_ gaps: [(begin: Int64, end: Int64)]) -> [(begin: Int64, end: Int64)] {
    Array(gaps.sorted { $0.end - $0.begin > $1.end - $1.begin }.prefix(gapCount)).sorted { $0.begin < $1.begin }
  }

  private func gaps(_ channel: Int64, _ topic: String, _ count: Int64) -> [CataloguedGap] {
    guard let span = UInt16(exactly: channel).flatMap({ spans[$0] }), count > 1 else { return [] }
    let usual = (span.last - span.first) / (count - 1)
    return Self.longest(span.gaps).filter { ($0.end - $0.begin) / Self.gapIntervals > usual }.map {
      CataloguedGap(topic: topic, begin: $0.begin, end: $0.end)
    }
  }

  /// The first and one past the last number of each channel.
  private func numbers<Source: ByteSource>(
    _ source: inout Source
  ) throws -> (first: [UInt16: Int64], end: [UInt16: Int64]) {
    var first: [UInt16: Int64] = [:]
    var end: [UInt16: Int64] = [:]
    let begins = Dictionary(grouping: spans.keys) { spans[$0]?.firstIdentities ?? 0 }
    let ends = Dictionary(grouping: spans.keys) { spans[$0]?.lastIdentities ?? 0 }
    for offset in Set(begins.keys).union(ends.keys).sorted() {
      guard let found = try Self.identities(&source, at: offset) else { continue }
      for channel in begins[offset] ?? [] { first[channel] = found.first[channel] }
      for channel in ends[offset] ?? [] { end[channel] = found.end[channel] }
    }
    return (first, end)
  }

  private static func identities<Source: ByteSource>(
    _ source: inout Source, at offset: UInt64
  ) throws -> (first: [UInt16: Int64], end: [UInt16: Int64])? {
    guard let head = try bytes(&source, offset, MCAP.recordHeadByteCount), head[0] == MCAP.Opcode.identities else {
      return nil
    }
    let length = (1...8).reduce(UInt64(0)) { $0 | UInt64(head[$1]) << UInt64(8 * ($1 - 1)) }
    guard length >= 9, length <= 1 << 26,
      let record = try bytes(&source, offset + UInt64(MCAP.recordHeadByteCount), Int(length))
    else { return nil }
    var crc = CRC32()
    record.withUnsafeBytes { crc.update(unsafe: UnsafeRawBufferPointer(rebasing: $0[..<($0.count - 4)])) }
    let stored = (0..<4).reduce(UInt32(0)) { $0 | UInt32(record[record.count - 4 + $1]) << UInt32(8 * $1) }
    var cursor = RecordCursor(record.span.bytes)
    guard crc.value == stored, cursor.u8() == 1, let count = cursor.u32(), Int(count) <= record.count else { return nil }
    var (first, end): ([UInt16: Int64], [UInt16: Int64]) = ([:], [:])
    var predictor = IdentityPredictor()
    for _ in 0..<count {
      guard let identity = predictor.decode(&cursor) else { return nil }
      if first[identity.channel] == nil { first[identity.channel] = Int64(clamping: identity.number) }
      end[identity.channel] = Int64(clamping: identity.number &+ 1)
    }
    return (first, end)
  }

  /// The data's checksum, in the record before the summary.
  private static func dataChecksum<Source: ByteSource>(_ source: inout Source, before summary: UInt64) throws -> UInt32? {
    guard summary >= 13, let record = try bytes(&source, summary - 13, 13), record[0] == MCAP.Opcode.dataEnd, record[1] == 4
    else { return nil }
    let crc = (0..<4).reduce(UInt32(0)) { $0 | UInt32(record[9 + $1]) << UInt32(8 * $1) }
    return crc == 0 ? nil : crc
  }

  private static func bytes<Source: ByteSource>(_ source: inout Source, _ offset: UInt64, _ count: Int) throws -> [UInt8]? {
    guard offset < source.byteCount, UInt64(count) <= source.byteCount - offset else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    let got = try bytes.withUnsafeMutableBytes { try source.read(at: offset, into: $0) }
    return got == count ? bytes : nil
  }
}

extension CataloguedStream {
  fileprivate init(_ channel: RecordedChannel, schema: String) {
    self.init(channel: Int64(channel.id), topic: channel.topic.withoutControls)
    self.schema = schema.withoutControls
    uid = (channel.metadata["stt.stream_uid"] ?? "").withoutControls
    incarnation = (channel.metadata["stt.incarnation"] ?? "").withoutControls
    delivery = (channel.metadata["stt.delivery"] ?? "").withoutControls
    durability = (channel.metadata["stt.durability"] ?? "").withoutControls
  }
}

extension CataloguedSeal {
  /// From a finished file's notes.
  fileprivate init?(_ notes: [(name: String, entries: [String: String])]) {
    guard let note = notes.first(where: { $0.name == SealNote.name }).flatMap({ SealNote($0.entries) }) else { return nil }
    let chain = notes.first { $0.name == SealNote.chainName }?.entries
    self.init(
      note, head: chain?["head"].flatMap { Digits.bytes($0) }, sealCount: chain?["seals"].flatMap { Int64($0) })
  }

  public init(_ note: SealNote, head: [UInt8]? = nil, sealCount: Int64? = nil) {
    self.init(
      segment: Digits.text(note.segment), previousHead: Digits.text(note.previousHead), head: head.map { Digits.text($0) },
      sealCount: sealCount, slots: note.slots.joined(separator: ", ").withoutControls)
  }
}
