import STTChecksum

/// CRC-32 as MCAP has it. Whoever links a library that uses the processor's instructions for it takes the place
/// of the implementation here.
public protocol RecordChecksum {
  /// The checksum of bytes that end in `bytes`, `before` being that of what came before; 0 for nothing.
  static func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt32) -> UInt32
}

extension RecordChecksum {
  public static func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt32) -> UInt32 {
    var crc = CRC32(after: before)
    crc.update(unsafe: bytes)
    return crc.value
  }
}

/// Makes chunks smaller. Supplied by whoever links a compression library.
public protocol ChunkCompressor: RecordChecksum {
  /// MCAP's name: `zstd`, `lz4`, or empty for none.
  var name: String { get }
  /// Compresses into `destination` and answers the length, or `nil` when that would not be smaller.
  mutating func compress(_ source: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer) -> Int?
}

/// Leaves chunks as they are.
public struct NoCompression: ChunkCompressor {
  public init() {}
  public var name: String { "" }
  public func compress(_ source: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer) -> Int? { nil }
}

/// Makes them whole again.
public protocol ChunkDecompressor: RecordChecksum {
  /// Fills `destination` exactly; `false` when `source` is not what `compression` makes, or that is
  /// a compression unknown here.
  mutating func decompress(
    _ source: UnsafeRawBufferPointer, compression: String, into destination: UnsafeMutableRawBufferPointer
  ) -> Bool
}

/// Reads uncompressed chunks alone.
public struct NoDecompression: ChunkDecompressor {
  public init() {}
  public func decompress(
    _ source: UnsafeRawBufferPointer, compression: String, into destination: UnsafeMutableRawBufferPointer
  ) -> Bool { false }
}
