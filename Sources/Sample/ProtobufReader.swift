/// Walks the fields of a Protocol Buffers message nobody trusts.
public struct ProtobufReader: ~Escapable {
  private let bytes: RawSpan
  private var offset = 0
  /// Whether bytes were met that are no protobuf; reading stops there.
  public private(set) var isMalformed = false

  @_lifetime(copy bytes)
  public init(_ bytes: RawSpan) { self.bytes = bytes }

  /// The next field's number and wire type, or `nil` at the end.
  public mutating func nextTag() -> (field: Int, wireType: UInt8)? {
    guard !isMalformed, offset < bytes.byteCount else { return nil }
    guard let tag = varint(), tag >> 3 > 0, tag >> 3 < 1 << 29 else {
      isMalformed = true
      return nil
    }
    return (Int(tag >> 3), UInt8(tag & 7))
  }

  /// The value after a varint, 64-bit or 32-bit tag.
  public mutating func number(wireType: UInt8) -> UInt64? {
    switch wireType {
    case 0: return varint() ?? malformed()
    case 1: return fixed(8) ?? malformed()
    case 5: return fixed(4) ?? malformed()
    default: return malformed()
    }
  }

  /// The bytes after a length-delimited tag.
  @_lifetime(copy self)
  public mutating func span() -> RawSpan? {
    guard let length = varint(), length <= UInt64(bytes.byteCount - offset) else {
      isMalformed = true
      return nil
    }
    let part = bytes.extracting(offset..<offset + Int(length))
    offset += Int(length)
    return part
  }

  /// Passes over a value.
  public mutating func skip(wireType: UInt8) {
    if wireType == 2 { _ = span() } else { _ = number(wireType: wireType) }
  }

  private mutating func malformed() -> UInt64? {
    isMalformed = true
    return nil
  }

  private mutating func fixed(_ count: Int) -> UInt64? {
    guard bytes.byteCount - offset >= count else { return nil }
    var value: UInt64 = 0
    for index in 0..<count {
      value |= UInt64(bytes.unsafeLoad(fromByteOffset: offset + index, as: UInt8.self)) << UInt64(8 * index)
    }
    offset += count
    return value
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for index in 0..<10 {
      guard offset < bytes.byteCount else { return nil }
      let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
      offset += 1
      if index == 9, byte > 1 { return nil }
      value |= UInt64(byte & 0x7F) << UInt64(7 * index)
      if byte < 0x80 { return value }
    }
    return nil
  }
}
