public import STTBuffers

/// Small samples packed one after another into one leased buffer.
///
/// A record is `length u32 | 0 u32 | monotonic u64 | wall u64 | payload`, little-endian, padded to
/// eight bytes. The sixteen bytes of time and the payload lie together because that is a message as
/// STT carries it: the session sends records from where they lie.
public struct SampleBatch: ~Copyable {
  /// Bytes before the times.
  public static let lengthByteCount = 8
  /// Bytes before the payload.
  public static let headerByteCount = 24

  private var lease: Lease
  /// Records so far.
  public private(set) var count = 0

  public init(_ lease: consuming Lease) {
    self.lease = lease
    self.lease.count = 0
  }

  /// Bytes a further payload may have.
  public var room: Int { max(0, lease.capacity - lease.count - Self.headerByteCount - 7) }

  /// Adds one sample written by `fill`, or answers `false` and changes nothing when it did not fit.
  public mutating func append(at time: SampleTime, _ fill: (inout ProtobufWriter) -> Void) -> Bool {
    let start = lease.count
    guard lease.capacity - start >= Self.headerByteCount else { return false }
    let record = lease.unsafeBase + start
    var writer = ProtobufWriter(
      unsafe: UnsafeMutableRawBufferPointer(
        start: record + Self.headerByteCount, count: lease.capacity - start - Self.headerByteCount))
    fill(&writer)
    let padded = (writer.count + 7) & ~7
    guard !writer.overflowed, start + Self.headerByteCount + padded <= lease.capacity else { return false }
    record.storeBytes(of: UInt32(writer.count).littleEndian, as: UInt32.self)
    record.storeBytes(of: 0, toByteOffset: 4, as: UInt32.self)
    record.storeBytes(of: time.monotonicNanoseconds.littleEndian, toByteOffset: 8, as: UInt64.self)
    record.storeBytes(of: time.wallNanoseconds.littleEndian, toByteOffset: 16, as: UInt64.self)
    lease.count = start + Self.headerByteCount + padded
    count += 1
    return true
  }

  /// The filled buffer.
  public consuming func finish() -> Lease { lease }
}

/// Where the samples of a finished batch lie.
public struct SampleBatchLayout {
  /// One sample: `offset` of its times in the lease, and the bytes of times and payload together.
  public struct Record: Hashable {
    public var offset: Int
    public var byteCount: Int
  }

  private var cursor = 0

  public init() {}

  /// The next record of `batch`, or `nil` at its end or where the bytes make no sense.
  public mutating func next(in batch: borrowing Lease) -> Record? {
    let left = batch.count - cursor
    guard left >= SampleBatch.headerByteCount else { return nil }
    let length = Int(
      UInt32(littleEndian: batch.bytes.unsafeLoadUnaligned(fromByteOffset: cursor, as: UInt32.self)))
    guard length <= left - SampleBatch.headerByteCount else { return nil }
    let record = Record(
      offset: cursor + SampleBatch.lengthByteCount,
      byteCount: SampleBatch.headerByteCount - SampleBatch.lengthByteCount + length)
    cursor += SampleBatch.headerByteCount + (length + 7) & ~7
    return record
  }
}
