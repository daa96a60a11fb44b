/// Reads little-endian values from bytes nobody trusts: every read checks what is left, and none
/// can trap.
public struct ByteReader: ~Escapable {
  private let bytes: RawSpan
  /// Bytes read so far.
  public private(set) var offset = 0

  @_lifetime(copy bytes)
  public init(_ bytes: RawSpan) {
    self.bytes = bytes
  }

  /// Bytes not yet read.
  public var left: Int { bytes.byteCount - offset }

  /// The next byte, which stays where it is; `nil` at the end.
  public var nextByte: UInt8? { left > 0 ? bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) : nil }

  public mutating func u8() throws(WireError) -> UInt8 { try load(UInt8.self) }
  public mutating func u16() throws(WireError) -> UInt16 { UInt16(littleEndian: try load(UInt16.self)) }
  public mutating func u32() throws(WireError) -> UInt32 { UInt32(littleEndian: try load(UInt32.self)) }
  public mutating func u64() throws(WireError) -> UInt64 { UInt64(littleEndian: try load(UInt64.self)) }

  /// The next `count` bytes, lent.
  @_lifetime(copy self)
  public mutating func span(_ count: Int) throws(WireError) -> RawSpan {
    guard count >= 0, count <= left else { throw .truncated }
    let part = bytes.extracting(offset..<offset + count)
    offset += count
    return part
  }

  /// The next `count` bytes, copied.
  public mutating func array(_ count: Int) throws(WireError) -> [UInt8] {
    let part = try span(count)
    return part.withUnsafeBytes { [UInt8]($0) }
  }

  /// Everything left, lent.
  @_lifetime(copy self)
  public mutating func rest() -> RawSpan {
    let part = bytes.extracting(offset..<bytes.byteCount)
    offset = bytes.byteCount
    return part
  }

  private mutating func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(WireError) -> T {
    guard left >= MemoryLayout<T>.size else { throw .truncated }
    let value = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type)
    offset += MemoryLayout<T>.size
    return value
  }
}
