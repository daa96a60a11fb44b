/// Writes Protocol Buffers fields into memory somebody lent, without allocation.
///
/// Runs over its end silently but remembers it: check ``overflowed`` before using the bytes.
public struct ProtobufWriter: ~Copyable {
  private let base: UnsafeMutableRawPointer?
  private let capacity: Int
  public private(set) var count = 0
  public private(set) var overflowed = false

  /// - Parameter memory: valid for as long as the writer is used.
  public init(unsafe memory: UnsafeMutableRawBufferPointer) {
    base = memory.baseAddress
    capacity = memory.count
  }

  public mutating func double(_ value: Double, field: Int) {
    tag(field, wireType: 1)
    fixed64(value.bitPattern)
  }

  public mutating func fixed64(_ value: UInt64, field: Int) {
    tag(field, wireType: 1)
    fixed64(value)
  }

  public mutating func fixed32(_ value: UInt32, field: Int) {
    tag(field, wireType: 5)
    for shift in stride(from: 0, to: 32, by: 8) { byte(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
  }

  public mutating func uint64(_ value: UInt64, field: Int) {
    tag(field, wireType: 0)
    varint(value)
  }

  public mutating func int64(_ value: Int64, field: Int) {
    tag(field, wireType: 0)
    varint(UInt64(bitPattern: value))
  }

  public mutating func bool(_ value: Bool, field: Int) {
    tag(field, wireType: 0)
    byte(value ? 1 : 0)
  }

  public mutating func string(_ value: borrowing String, field: Int) {
    let utf8 = value.utf8
    beginBytes(count: utf8.count, field: field)
    for unit in utf8 { byte(unit) }
  }

  public mutating func bytes(_ value: RawSpan, field: Int) {
    beginBytes(count: value.byteCount, field: field)
    raw(value)
  }

  /// The tag and length of a bytes field or nested message whose content follows from elsewhere.
  public mutating func beginBytes(count: Int, field: Int) {
    tag(field, wireType: 2)
    varint(UInt64(count))
  }

  /// Bytes as they are: a payload that is no protobuf, or content announced before.
  public mutating func raw(_ value: RawSpan) {
    guard let base, capacity - count >= value.byteCount else {
      overflowed = overflowed || value.byteCount > 0
      return
    }
    value.withUnsafeBytes { source in
      if let start = source.baseAddress { (base + count).copyMemory(from: start, byteCount: source.count) }
    }
    count += value.byteCount
  }

  private mutating func tag(_ field: Int, wireType: UInt64) {
    varint(UInt64(field) << 3 | wireType)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      byte(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    byte(UInt8(truncatingIfNeeded: rest))
  }

  private mutating func fixed64(_ value: UInt64) {
    guard let base, capacity - count >= 8 else {
      overflowed = true
      return
    }
    (base + count).storeBytes(of: value.littleEndian, as: UInt64.self)
    count += 8
  }

  private mutating func byte(_ value: UInt8) {
    guard let base, count < capacity else {
      overflowed = true
      return
    }
    base.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
    count += 1
  }
}
