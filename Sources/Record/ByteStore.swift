/// Bytes being put together for the disk: grows when it must, keeps its memory when it is emptied,
/// so that a recorder in steady state allocates nothing.
public struct ByteStore: ~Copyable {
  private var memory: UnsafeMutableRawPointer
  private var capacity: Int
  /// Bytes dropped at the beginning, whose memory is used again when more is needed.
  private var dropped = 0
  public private(set) var count = 0

  /// - Parameter capacity: bytes reserved at once; page-aligned, as direct writing likes it.
  public init(capacity: Int) {
    self.capacity = max(4096, capacity)
    memory = .allocate(byteCount: self.capacity, alignment: 4096)
  }

  deinit { memory.deallocate() }

  private var base: UnsafeMutableRawPointer { memory + dropped }

  /// The bytes, valid until the next change.
  public var unsafeBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// The bytes, to be changed where they lie.
  var unsafeMutableBytes: UnsafeMutableRawBufferPointer {
    mutating get { UnsafeMutableRawBufferPointer(start: base, count: count) }
  }

  public mutating func removeAll() {
    count = 0
    dropped = 0
  }

  /// Drops the first `length` bytes.
  public mutating func removeFirst(_ length: Int) {
    precondition(length >= 0 && length <= count, "only bytes that are there")
    count -= length
    dropped = count == 0 ? 0 : dropped + length
  }

  mutating func truncate(to length: Int) { count = min(count, length) }

  /// Room for `length` more bytes, to be written by the caller and then counted by ``advance(_:)``.
  mutating func room(_ length: Int) -> UnsafeMutableRawPointer {
    if capacity - dropped - count < length { grow(count + length) }
    return base + count
  }

  mutating func advance(_ length: Int) {
    precondition(length >= 0 && dropped + count + length <= capacity, "only room that was asked for")
    count += length
  }

  mutating func u8(_ value: UInt8) { store(value) }
  mutating func u16(_ value: UInt16) { store(value.littleEndian) }
  mutating func u32(_ value: UInt32) { store(value.littleEndian) }
  mutating func u64(_ value: UInt64) { store(value.littleEndian) }

  mutating func bytes(_ value: UnsafeRawBufferPointer) {
    guard let start = value.baseAddress, value.count > 0 else { return }
    room(value.count).copyMemory(from: start, byteCount: value.count)
    count += value.count
  }

  mutating func bytes(_ value: [UInt8]) { value.withUnsafeBytes { bytes($0) } }

  /// A text or data with its length before it, as MCAP has both.
  mutating func sized(_ value: [UInt8]) {
    u32(UInt32(truncatingIfNeeded: value.count))
    bytes(value)
  }

  mutating func sized(_ value: String) { sized(Array(value.utf8)) }

  mutating func patch(_ value: UInt64, at offset: Int) {
    precondition(offset >= 0 && offset + 8 <= count, "only bytes that are there")
    base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
  }

  mutating func patch(_ value: UInt32, at offset: Int) {
    precondition(offset >= 0 && offset + 4 <= count, "only bytes that are there")
    base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }

  mutating func patch(_ value: UInt8, at offset: Int) {
    precondition(offset >= 0 && offset < count, "only bytes that are there")
    base.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
  }

  private mutating func store<T: BitwiseCopyable>(_ value: T) {
    room(MemoryLayout<T>.size).storeBytes(of: value, as: T.self)
    count += MemoryLayout<T>.size
  }

  private mutating func grow(_ needed: Int) {
    let start = base
    dropped = 0
    // Moving what is there costs less than what was dropped since the last time.
    guard needed > capacity / 2 else { return memory.copyMemory(from: start, byteCount: count) }
    let wider = max(capacity * 2, needed)
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: wider, alignment: 4096)
    fresh.copyMemory(from: start, byteCount: count)
    memory.deallocate()
    memory = fresh
    capacity = wider
  }
}
