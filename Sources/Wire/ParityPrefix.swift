/// The start of a parity frame's payload: `count u8 | index u8`; the coded shard follows
/// (docs/protocol.md 2.2). The frame's sequence is that of the block's first frame.
public struct ParityPrefix: Hashable, Sendable {
  public static let byteCount = 2
  /// Bytes of the largest data shard: its block's parity then fits a datagram of 1472 bytes, what an
  /// Ethernet carries over IPv4.
  public static let largestShard = 1420
  /// Bytes of the length that is coded with each shard.
  public static let codedLengthByteCount = 2
  /// Frames whose sequences have all but these low bits in common are of one block.
  public static let sequenceMask: UInt32 = 31

  /// Data shards of the block, 1 to 32.
  public var dataCount: Int
  /// Which of the block's parity shards this is, from 0.
  public var index: Int

  public init(dataCount: Int, index: Int) {
    self.dataCount = dataCount
    self.index = index
  }

  /// Reads the prefix; what `reader` has left afterwards is the coded shard.
  public init(_ reader: inout ByteReader) throws(WireError) {
    dataCount = Int(try reader.u8())
    index = Int(try reader.u8())
    guard (1...ParityShape.mostData).contains(dataCount), index < ParityShape.mostParity, index < dataCount,
      (Self.codedLengthByteCount...Self.codedLengthByteCount + Self.largestShard).contains(reader.left)
    else { throw .invalidValue }
  }

  public func write(_ writer: inout ByteWriter) {
    writer.u8(UInt8(truncatingIfNeeded: dataCount))
    writer.u8(UInt8(truncatingIfNeeded: index))
  }
}
