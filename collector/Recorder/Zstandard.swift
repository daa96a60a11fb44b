import CDeflate
import CLz4
import CZstd
import STTRecord

/// zstd through its library, one context for all chunks; lz4 is read where others wrote it.
public final class Zstandard: ChunkCompressor, ChunkDecompressor {
  /// Level 1 keeps a Raspberry Pi ahead of its network; higher ones save a few percent.
  private static let level: CInt = 1
  private let compression = ZSTD_createCCtx()
  private let decompression = ZSTD_createDCtx()
  public let name: String

  /// - Parameter enabled: `false` only unpacks.
  public init(enabled: Bool = true) { name = enabled ? "zstd" : "" }

  deinit {
    ZSTD_freeCCtx(compression)
    ZSTD_freeDCtx(decompression)
  }

  /// libdeflate's: carry-less multiplication where the processor has it.
  public static func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt32) -> UInt32 {
    guard let start = bytes.baseAddress else { return before }
    return libdeflate_crc32(before, start, bytes.count)
  }

  public func compress(_ source: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer) -> Int? {
    let length = ZSTD_compressCCtx(
      compression, destination.baseAddress, destination.count, source.baseAddress, source.count, Self.level)
    return ZSTD_isError(length) != 0 || length >= source.count ? nil : length
  }

  public func decompress(
    _ source: UnsafeRawBufferPointer, compression name: String, into destination: UnsafeMutableRawBufferPointer
  ) -> Bool {
    if name == "lz4" { return unpackLZ4(source, into: destination) }
    guard name == "zstd" else { return false }
    let length = ZSTD_decompressDCtx(
      decompression, destination.baseAddress, destination.count, source.baseAddress, source.count)
    return ZSTD_isError(length) == 0 && length == destination.count
  }
}

/// One LZ4 frame, as MCAP has it; `false` unless it fills `destination` exactly.
private func unpackLZ4(_ source: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer) -> Bool {
  var context: OpaquePointer?
  guard LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0 else { return false }
  defer { LZ4F_freeDecompressionContext(context) }
  var taken = 0
  var made = 0
  while true {
    var room = destination.count - made
    var left = source.count - taken
    let hint = LZ4F_decompress(
      context, destination.baseAddress.map { $0 + made }, &room, source.baseAddress.map { $0 + taken }, &left, nil)
    guard LZ4F_isError(hint) == 0 else { return false }
    made += room
    taken += left
    if hint == 0 { return taken == source.count && made == destination.count }
    if room == 0, left == 0 { return false }
  }
}
