/// How recordings are cut, compressed, synced and limited.
public struct RecorderSettings: Hashable, Sendable {
  /// A segment is closed beyond this many bytes.
  public var segmentByteCount: UInt64
  /// … or this many nanoseconds.
  public var segmentAge: UInt64
  /// A chunk is closed beyond this many bytes: what a cut in the middle can cost at most.
  public var chunkByteCount: Int
  /// … or this many nanoseconds.
  public var chunkAge: UInt64
  /// Nanoseconds between syncs while durable messages wait; one sync serves all streams.
  public var syncInterval: UInt64
  /// Nanoseconds, and bytes, after which what is neither durable nor volatile is synced.
  public var periodicInterval: UInt64
  public var periodicByteCount: Int
  public var compresses: Bool
  /// Bytes of the file system that stay free whatever comes.
  public var reserveByteCount: UInt64
  public var retention: RetentionPolicy

  public init(
    segmentByteCount: UInt64 = 256 << 20, segmentAge: UInt64 = 3600 * 1_000_000_000, chunkByteCount: Int = 256 << 10,
    chunkAge: UInt64 = 1_000_000_000, syncInterval: UInt64 = 200_000_000, periodicInterval: UInt64 = 5_000_000_000,
    periodicByteCount: Int = 8 << 20, compresses: Bool = true, reserveByteCount: UInt64 = 64 << 20,
    retention: RetentionPolicy = RetentionPolicy()
  ) {
    self.segmentByteCount = segmentByteCount
    self.segmentAge = segmentAge
    self.chunkByteCount = chunkByteCount
    self.chunkAge = chunkAge
    self.syncInterval = syncInterval
    self.periodicInterval = periodicInterval
    self.periodicByteCount = periodicByteCount
    self.compresses = compresses
    self.reserveByteCount = reserveByteCount
    self.retention = retention
  }
}
