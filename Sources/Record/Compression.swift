/// Makes chunks smaller. Supplied by whoever links a compression library.
public protocol ChunkCompressor {
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
public protocol ChunkDecompressor {
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
