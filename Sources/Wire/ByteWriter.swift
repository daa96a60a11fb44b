/// Writes little-endian values into memory somebody lent, without allocation.
///
/// Never writes past the end: it remembers ``overflowed`` instead, which the caller checks once.
public struct ByteWriter: ~Copyable {
  @usableFromInline let base: UnsafeMutableRawPointer?
  @usableFromInline let capacity: Int
  @usableFromInline var position = 0
  @usableFromInline var hasOverflowed = false
  /// Bytes written.
  @inlinable public var count: Int { position }
  /// Whether there was less room than what was written takes.
  @inlinable public var overflowed: Bool { hasOverflowed }

  /// - Parameter memory: valid for as long as the writer is used.
  @inlinable public init(unsafe memory: UnsafeMutableRawBufferPointer) {
    base = memory.baseAddress
    capacity = memory.count
  }

  @inlinable public var room: Int { capacity - count }

  @inlinable public mutating func u8(_ value: UInt8) { store(value) }
  @inlinable public mutating func u16(_ value: UInt16) { store(value.littleEndian) }
  @inlinable public mutating func u32(_ value: UInt32) { store(value.littleEndian) }
  @inlinable public mutating func u64(_ value: UInt64) { store(value.littleEndian) }

  @inlinable public mutating func bytes(_ value: RawSpan) {
    value.withUnsafeBytes { bytes(unsafe: $0) }
  }

  @inlinable public mutating func bytes(_ value: [UInt8]) {
    value.withUnsafeBytes { bytes(unsafe: $0) }
  }

  @inlinable public mutating func bytes(unsafe value: UnsafeRawBufferPointer) {
    guard let start = value.baseAddress, value.count > 0 else { return }
    guard let base, room >= value.count else {
      hasOverflowed = true
      return
    }
    (base + position).copyMemory(from: start, byteCount: value.count)
    position += value.count
  }

  @inlinable public mutating func zeros(_ length: Int) {
    guard length > 0 else { return }
    guard let base, room >= length else {
      hasOverflowed = true
      return
    }
    (base + position).initializeMemory(as: UInt8.self, repeating: 0, count: length)
    position += length
  }

  @inlinable mutating func store<T: BitwiseCopyable>(_ value: T) {
    guard let base, room >= MemoryLayout<T>.size else {
      hasOverflowed = true
      return
    }
    base.storeBytes(of: value, toByteOffset: position, as: T.self)
    position += MemoryLayout<T>.size
  }
}

extension ByteWriter {
  /// What `fill` writes, as an array of at most `capacity` bytes. For messages that are rare.
  package static func array(capacity: Int, _ fill: (inout ByteWriter) -> Void) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      var writer = ByteWriter(unsafe: UnsafeMutableRawBufferPointer(buffer))
      fill(&writer)
      precondition(!writer.overflowed, "the capacity given is the layout's own size")
      count = writer.count
    }
  }
}
