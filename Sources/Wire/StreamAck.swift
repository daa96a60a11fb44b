/// ACK on a stream: what was delivered, what may be sent, what is safe on disk
/// (docs/protocol.md 2.2, 2.15).
///
/// `delivered u64 | window u32 | durable u64 | chain head 32, present when the recorder keeps one`.
/// Both message numbers are exclusive: every message below them counts.
public struct StreamAck: Hashable, Sendable {
  /// Without a chain head.
  public static let byteCount = 20

  /// Every message below was delivered, or will never be waited for.
  public var delivered: UInt64
  /// Bytes of messages from `delivered` on that the receiver is ready to hold.
  public var window: UInt32
  /// Every message below was synced to the collector's disk.
  public var durable: UInt64
  /// Head of the recording's chain, in which every message below `durable` is; `nil` where it has none.
  public var chainHead: RecordingHead?

  public init(delivered: UInt64, window: UInt32, durable: UInt64, chainHead: RecordingHead? = nil) {
    self.delivered = delivered
    self.window = window
    self.durable = durable
    self.chainHead = chainHead
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    delivered = try reader.messageNumber()
    window = try reader.u32()
    durable = try reader.messageNumber()
    guard reader.left == 0 || reader.left == RecordingHead.byteCount else { throw .lengthMismatch }
    chainHead = reader.left == 0 ? nil : try RecordingHead(&reader)
    guard durable <= delivered else { throw .invalidValue }
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u64(delivered)
    writer.u32(window)
    writer.u64(durable)
    chainHead?.write(&writer)
  }

  public var byteCount: Int { Self.byteCount + (chainHead == nil ? 0 : RecordingHead.byteCount) }
}
