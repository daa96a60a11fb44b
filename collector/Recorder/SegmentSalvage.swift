public import STTRecord

/// Everything of a damaged segment that is still whole, in a plain file of its own. The original stays as it is.
public enum SegmentSalvage {
  /// A part that is lost.
  public struct Loss: Sendable {
    public var damage: SegmentDamage
    /// When the last message before it was received and the first after it; 0 where there is none.
    public var after: UInt64
    public var before: UInt64
  }

  public enum Result {
    /// Nothing is wrong with it; nothing was written.
    case whole
    case written(messages: UInt64, losses: [Loss])
    /// No key opens it; the slots it has.
    case locked(slots: [String])
  }

  /// Writes what is whole of `path` to a new file, unless all of it is. What follows a damaged part of a
  /// sealed file can't be opened: the chain that its batches are bound to is broken there.
  ///
  /// - Parameter disk: makes the calls for the new file.
  public static func write(
    _ path: String, to destination: String, on disk: any Disk = SystemDisk(), keys: KeySources
  ) throws -> Result {
    let source = try FileSource(path)
    let report = try SegmentVerifier.verify(source, decompressor: Zstandard(), opener: SegmentUnsealer(keys))
    if let seal = report.seal, !seal.isOpened { return .locked(slots: seal.note.slots) }
    if report.verdict == .intact { return .whole }
    let copy = try PlainSegment(creating: destination, on: disk)
    var losses: [Loss] = []
    var last: UInt64 = 0
    do {
      var reader = try SegmentReader(source, decompressor: Zstandard(), opener: SegmentUnsealer(keys))
      if let outline = (try? SegmentOutline.read(source)) ?? nil { reader.adopt(outline) }
      var channels: [UInt16: UInt16] = [:]
      while true {
        do {
          guard try step(&reader, copy, &channels, &last, &losses) else { break }
        } catch let damage as SegmentDamage {
          losses.append(Loss(damage: damage, after: last, before: 0))
          guard try reader.resume(after: damage) else { break }
        }
      }
    } catch let damage as SegmentDamage {
      losses.append(Loss(damage: damage, after: 0, before: 0))
    }
    for (index, loss) in losses.enumerated() {
      copy.note("stt.repair", ["loss": String(index + 1), "damage": loss.damage.description])
    }
    try copy.finish()
    return .written(messages: copy.messageCount, losses: losses)
  }

  /// `false` at the end.
  private static func step(
    _ reader: inout SegmentReader<FileSource, Zstandard, SegmentUnsealer>, _ copy: PlainSegment,
    _ channels: inout [UInt16: UInt16], _ last: inout UInt64, _ losses: inout [Loss]
  ) throws -> Bool {
    switch try reader.next() {
    case .metadata: return true
    case .dataEnd, .end:
      try reader.checkSummary()
      return false
    case .chunk: break
    }
    let known = reader.channels
    let schemas = reader.schemas
    try reader.forEachMessage { message in
      let id = message.identity.channel
      let added = channels[id] ?? known[id].flatMap { copy.add($0, schemas[$0.schema]) }
      guard let added else { return }
      channels[id] = added
      for index in losses.indices where losses[index].before == 0 { losses[index].before = message.logTime }
      last = message.logTime
      try copy.append(message, channel: added)
    }
    return true
  }
}
