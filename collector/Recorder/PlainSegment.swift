public import STTRecord
import STTSample

/// A plain file that copies of messages go into: what unsealing, cutting, merging and mending end in.
public final class PlainSegment {
  private static let chunkByteCount = 256 << 10

  public let path: String
  private var writer: SegmentWriter<Zstandard, NoSealer>
  private let file: SegmentFile

  /// Creates `path`, which must not exist.
  ///
  /// - Parameter disk: makes the calls for this file.
  public init(creating path: String, on disk: any Disk = SystemDisk()) throws(RecorderError) {
    self.path = path
    writer = SegmentWriter(
      compressor: Zstandard(), library: "stt \(RecorderVersion.text)", chunkCapacity: Self.chunkByteCount)
    file = try SegmentFile(creating: path, on: disk, keepsUnsynced: false)
  }

  public var messageCount: UInt64 { writer.messageCount }

  /// Adds a channel as another file has it; `nil` when 65,535 are reached.
  public func add(_ channel: RecordedChannel, _ schema: RecordedSchema?) -> UInt16? {
    writer.addChannel(
      topic: channel.topic,
      schema: Schema(encoding: schema?.encoding ?? "", name: schema?.name ?? "", data: schema?.data ?? []),
      metadata: channel.metadata, compresses: !(schema?.name.hasPrefix("foxglove.") ?? false))
  }

  /// Adds a message of a channel that ``add(_:_:)`` gave.
  public func append(_ message: borrowing RecordedMessage, channel: UInt16) throws(RecorderError) {
    var identity = message.identity
    identity.channel = channel
    let (logTime, publishTime) = (message.logTime, message.publishTime)
    message.payload.withUnsafeBytes {
      writer.append(identity, logTime: logTime, publishTime: publishTime, first: $0)
    }
    if writer.chunkByteCount >= Self.chunkByteCount {
      writer.closeChunk()
      try flush()
    }
  }

  /// Adds a metadata record.
  public func note(_ name: String, _ entries: [String: String]) { writer.addMetadata(name: name, entries) }

  /// Ends the file and waits until it is on the disk.
  public func finish() throws(RecorderError) {
    writer.finish()
    try flush()
    try file.sync()
    try file.syncName()
  }

  private func flush() throws(RecorderError) {
    guard writer.pending.count > 0 else { return }
    try file.write(writer.pending, at: writer.pendingOffset)
    writer.written(writer.pending.count)
  }
}
