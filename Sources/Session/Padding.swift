/// What an observer may learn from the sizes and times of a stream's datagrams (docs/protocol.md 2.15).
///
/// The sender's own business: a receiver skips padding whoever asked for it.
public enum Padding: Hashable, Sendable {
  /// Sizes as they are.
  case none
  /// Datagrams with messages of the stream are a multiple of ``bucketByteCount`` long, and say nothing
  /// of streams in the clear.
  case buckets
  /// One datagram of ``coverByteCount`` bytes every `interval` nanoseconds, whether there is something
  /// to say or not; the stream's messages travel in those alone.
  case constantRate(interval: UInt64)

  /// Bytes.
  public static let bucketByteCount = 64
  /// Bytes; what every path carries.
  public static let coverByteCount = 1200
  /// Acknowledgements of padded datagrams are a multiple of this long, in bytes.
  static let acknowledgementBucketByteCount = 256

  var isNone: Bool { self == .none }
  var isConstantRate: Bool {
    if case .constantRate = self { return true }
    return false
  }
}
