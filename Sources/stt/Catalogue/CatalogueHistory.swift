import STTRecord

/// One stream over all of its segments.
struct CatalogueHistory {
  /// A time without a message, or numbers that are not there.
  struct Gap {
    /// Nanoseconds since 1970.
    var begin: Int64
    var end: Int64
    var missingCount: Int64 = 0
  }

  /// As ``SegmentFacts`` has it: what is shorter, or not much longer than usual, is no gap.
  private static let shortestGap: Int64 = 2_000_000_000
  private static let gapIntervals: Int64 = 5

  let folder: String
  /// Empty for all streams of sealed segments together.
  let topic: String
  private(set) var schema = ""
  private(set) var segmentCount = 0
  /// `nil` for sealed segments.
  private(set) var messageCount: Int64?
  private(set) var firstTime: Int64?
  private(set) var lastTime: Int64?
  private(set) var gaps: [Gap] = []
  private var last: CataloguedStream?
  private var usual: Int64?

  var missingCount: Int64 { gaps.reduce(0) { $0.addingReportingOverflow($1.missingCount).partialValue } }

  private init(_ folder: String, _ topic: String) {
    self.folder = folder
    self.topic = topic
  }

  /// The streams of a folder by name, those of its sealed segments as one without a name.
  static func all(_ folder: CataloguedFolder) -> [CatalogueHistory] {
    var histories: [String: CatalogueHistory] = [:]
    for segment in folder.segments {
      if segment.seal != nil { histories["", default: CatalogueHistory(folder.name, "")].take(segment) }
      for stream in segment.streams {
        histories[stream.topic, default: CatalogueHistory(folder.name, stream.topic)].take(stream, segment)
      }
    }
    return histories.values.sorted { $0.topic < $1.topic }
  }

  private mutating func take(_ segment: CataloguedSegment) {
    segmentCount += 1
    extend(segment.firstTime, segment.lastTime, count: segment.chunkCount)
    gaps += segment.gaps.map { Gap(begin: $0.begin, end: $0.end) }
  }

  private mutating func take(_ stream: CataloguedStream, _ segment: CataloguedSegment) {
    segmentCount += 1
    schema = stream.schema
    messageCount = (messageCount ?? 0).addingReportingOverflow(stream.messageCount).partialValue
    var missing: Int64 = 0
    if let last, last.uid == stream.uid, last.incarnation == stream.incarnation, !stream.uid.isEmpty,
      let end = last.endNumber, let first = stream.firstNumber, first > end
    {
      missing = first.subtractingReportingOverflow(end).partialValue
    }
    extend(stream.firstTime, stream.lastTime, count: stream.messageCount, missing: missing)
    gaps += segment.gaps.filter { $0.topic == topic }.map { Gap(begin: $0.begin, end: $0.end) }
    if stream.missingCount > 0 {
      gaps.append(Gap(begin: stream.firstTime ?? 0, end: stream.lastTime ?? 0, missingCount: stream.missingCount))
    }
    last = stream
  }

  private mutating func extend(_ first: Int64?, _ end: Int64?, count: Int64, missing: Int64 = 0) {
    guard let first, let end else { return }
    if let before = lastTime, first >= before {
      let isLong = first - before >= Self.shortestGap && (first - before) / Self.gapIntervals > (usual ?? 0)
      if isLong || missing > 0 { gaps.append(Gap(begin: before, end: first, missingCount: missing)) }
    }
    firstTime = min(firstTime ?? first, first)
    lastTime = max(lastTime ?? end, end)
    usual = count > 1 ? (end - first) / (count - 1) : usual
  }
}
