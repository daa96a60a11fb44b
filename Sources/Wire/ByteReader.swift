/// Reads little-endian values from bytes nobody trusts: every read checks what is left, and none
/// can trap.
public struct ByteReader: ~Escapable {
  @usableFromInline let bytes: RawSpan
  @usableFromInline var position = 0
  /// Bytes read so far.
  @inlinable public var offset: Int { position }

  @_lifetime(copy bytes)
  @inlinable public init(_ bytes: RawSpan) {
    self.bytes = bytes
  }

  /// Bytes not yet read.
  @inlinable public var left: Int { bytes.byteCount - offset }

  /// The next byte, which stays where it is; `nil` at the end.
  @inlinable public var nextByte: UInt8? { left > 0 ? bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self) : nil }

  @inlinable public mutating func u8() throws(WireError) -> UInt8 { try load(UInt8.self) }
  @inlinable public mutating func u16() throws(WireError) -> UInt16 { UInt16(littleEndian: try load(UInt16.self)) }
  @inlinable public mutating func u32() throws(WireError) -> UInt32 { UInt32(littleEndian: try load(UInt32.self)) }
  @inlinable public mutating func u64() throws(WireError) -> UInt64 { UInt64(littleEndian: try load(UInt64.self)) }

  /// The next `count` bytes, lent.
  @_lifetime(copy self)
  @inlinable public mutating func span(_ count: Int) throws(WireError) -> RawSpan {
    guard count >= 0, count <= left else { throw .truncated }
    let part = bytes.extracting(offset..<offset + count)
    position += count
    return part
  }

  /// The next `count` bytes, copied.
  @inlinable public mutating func array(_ count: Int) throws(WireError) -> [UInt8] {
    let part = try span(count)
    return part.withUnsafeBytes { [UInt8]($0) }
  }

  /// Everything left, lent.
  @_lifetime(copy self)
  @inlinable public mutating func rest() -> RawSpan {
    let part = bytes.extracting(offset..<bytes.byteCount)
    position = bytes.byteCount
    return part
  }

  @inlinable mutating func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(WireError) -> T {
    guard left >= MemoryLayout<T>.size else { throw .truncated }
    let value = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type)
    position += MemoryLayout<T>.size
    return value
  }
}
