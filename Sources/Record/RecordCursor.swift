/// Reads MCAP's little-endian values out of bytes nobody trusts: what is not there is `nil`.
struct RecordCursor: ~Escapable {
  private let bytes: RawSpan
  private(set) var offset = 0

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) { self.bytes = bytes }

  var left: Int { bytes.byteCount - offset }

  mutating func u8() -> UInt8? { load(UInt8.self) }
  mutating func u16() -> UInt16? { load(UInt16.self).map(UInt16.init(littleEndian:)) }
  mutating func u32() -> UInt32? { load(UInt32.self).map(UInt32.init(littleEndian:)) }
  mutating func u64() -> UInt64? { load(UInt64.self).map(UInt64.init(littleEndian:)) }

  /// Data with its length before it.
  mutating func sized() -> [UInt8]? {
    guard let length = u32(), Int(length) <= left else { return nil }
    let part = bytes.extracting(offset..<offset + Int(length))
    offset += Int(length)
    return part.withUnsafeBytes { [UInt8]($0) }
  }

  mutating func text() -> String? { sized().flatMap { String(validating: $0, as: UTF8.self) } }

  mutating func texts() -> [String: String]? {
    guard let length = u32(), Int(length) <= left else { return nil }
    let end = offset + Int(length)
    var map: [String: String] = [:]
    while offset < end {
      guard let key = text(), let value = text(), offset <= end else { return nil }
      map[key] = value
    }
    return offset == end ? map : nil
  }

  /// Unsigned LEB128, at most ten bytes.
  @inline(__always)
  mutating func varint() -> UInt64? {
    guard left >= 8 else { return longVarint() }
    let word = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    let ends = ~word & 0x8080_8080_8080_8080
    guard ends != 0 else { return longVarint() }
    // Up to the first byte that another does not follow; then seven bits of each move together.
    let bits = ends.trailingZeroBitCount
    var value = word & (0x7F7F_7F7F_7F7F_7F7F >> UInt64(63 - bits))
    value = value & 0x007F_007F_007F_007F | (value & 0x7F00_7F00_7F00_7F00) >> 1
    value = value & 0x0000_3FFF_0000_3FFF | (value & 0x3FFF_0000_3FFF_0000) >> 2
    value = value & 0x0000_0000_0FFF_FFFF | (value & 0x0FFF_FFFF_0000_0000) >> 4
    offset += (bits + 1) / 8
    return value
  }

  /// One of more than eight bytes, or near the end.
  private mutating func longVarint() -> UInt64? {
    var value: UInt64 = 0
    for index in 0..<10 {
      guard let byte = u8() else { return nil }
      if index == 9, byte > 1 { return nil }
      value |= UInt64(byte & 0x7F) << UInt64(7 * index)
      if byte < 0x80 { return value }
    }
    return nil
  }

  @inline(__always)
  mutating func zigzag() -> Int64? { varint().map { Int64(bitPattern: $0 >> 1 ^ (0 &- ($0 & 1))) } }

  @_lifetime(copy self)
  mutating func rest() -> RawSpan {
    let part = bytes.extracting(offset..<bytes.byteCount)
    offset = bytes.byteCount
    return part
  }

  mutating func skip(_ count: Int) -> Bool {
    guard count >= 0, count <= left else { return false }
    offset += count
    return true
  }

  private mutating func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> T? {
    guard left >= MemoryLayout<T>.size else { return nil }
    let value = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type)
    offset += MemoryLayout<T>.size
    return value
  }
}
