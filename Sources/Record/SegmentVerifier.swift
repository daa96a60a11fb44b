/// What a file turned out to be.
///
/// Plain recordings carry checksums, not signatures: verification detects damage, and says so; it
/// can't detect somebody who alters a file and its checksums alike. Sealed ones carry a chain.
public struct SegmentReport: Sendable {
  public enum Verdict: String, Hashable, Sendable {
    /// Every byte is as it was written.
    case intact
    /// The end is missing, as after a power cut; everything before it is whole.
    case truncated
    /// Bytes changed, or messages are missing in the middle.
    case altered
  }

  /// What a channel holds.
  public struct Channel: Sendable {
    public var channel: RecordedChannel
    public var messageCount: UInt64 = 0
    public var payloadByteCount: UInt64 = 0
    public var firstNumber: UInt64 = 0
    /// One past the last.
    public var endNumber: UInt64 = 0
    /// Numbers that are missing in between.
    public var missingCount: UInt64 = 0
    public var firstLogTime: UInt64 = 0
    public var lastLogTime: UInt64 = 0
  }

  public var verdict = Verdict.intact
  public var damage: SegmentDamage?
  public var channels: [Channel] = []
  public var schemas: [UInt16: RecordedSchema] = [:]
  public var metadata: [(name: String, entries: [String: String])] = []
  public var chunkCount = 0
  /// Bytes that are whole, from the start on.
  public var soundByteCount: UInt64 = 0

  /// `nil` for a plain file.
  public var seal: SegmentSealState?
  /// Whether its messages could be read: plain, or sealed and a key was there.
  public var isOpened: Bool { seal?.isOpened ?? true }

  public var messageCount: UInt64 { channels.reduce(0) { $0 + $1.messageCount } }
}

/// Walks a file and judges it.
public enum SegmentVerifier {
  /// - Parameters:
  ///   - progress: told the offset reached, chunk by chunk.
  ///   - message: sees every message on the way.
  public static func verify<Source: ByteSource, Decompressor: ChunkDecompressor, Opener: SegmentOpener>(
    _ source: Source, decompressor: Decompressor, opener: Opener = NoOpener(), progress: (UInt64) -> Void = { _ in },
    message: ((borrowing RecordedMessage, RecordedChannel) -> Void)? = nil
  ) throws -> SegmentReport {
    var report = SegmentReport()
    do {
      var reader = try SegmentReader(source, decompressor: decompressor, opener: opener)
      do {
        try walk(&reader, &report, progress, message)
      } catch let damage as SegmentDamage {
        note(damage, &report)
      }
      report.soundByteCount = report.verdict == .intact ? source.byteCount : reader.groupEnd
      report.schemas = reader.schemas
      report.seal = reader.seal
    } catch let damage as SegmentDamage {
      note(damage, &report)
    }
    return report
  }

  private static func note(_ damage: SegmentDamage, _ report: inout SegmentReport) {
    report.damage = damage
    report.verdict = damage.kind == .cut ? .truncated : .altered
  }

  private static func walk<Source: ByteSource, Decompressor: ChunkDecompressor, Opener: SegmentOpener>(
    _ reader: inout SegmentReader<Source, Decompressor, Opener>, _ report: inout SegmentReport,
    _ progress: (UInt64) -> Void, _ message: ((borrowing RecordedMessage, RecordedChannel) -> Void)?
  ) throws {
    var tally = MessageTally()
    defer { report.channels = tally.channels }
    while true {
      switch try reader.next() {
      case .chunk:
        report.chunkCount += 1
        try tally.take(&reader.chunk, reader.channels, message)
        progress(reader.offset)
      case .metadata(let name, let entries):
        report.metadata.append((name, entries))
      case .dataEnd:
        try reader.checkSummary()
        return
      case .end:
        return
      }
    }
  }
}
