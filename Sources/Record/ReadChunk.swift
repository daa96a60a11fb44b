import STTSample

/// The chunk whose messages are read. Not generic as its reader is: this is what is called for every message.
struct ReadChunk: ~Copyable {
  private var store = ByteStore(capacity: 1 << 16)
  /// Where its records lie in `store`.
  private var records = 0..<0
  /// Where it began in its file.
  private(set) var offset: UInt64 = 0
  private var identities: [MessageIdentity] = []
  /// Whether it came with the identities every chunk of ours has.
  private(set) var hasIdentities = false
  private var predictor = IdentityPredictor()
  /// Where the next message's record begins, and how many were before it.
  private var place = 0
  private var index = 0
  /// By id: whether there is such a channel. What every message is held against.
  private var isChannel: [Bool] = []

  /// Its records: to be opened where they lie, or looked at.
  var unsafeMutableBytes: UnsafeMutableRawBufferPointer {
    mutating get { UnsafeMutableRawBufferPointer(rebasing: store.unsafeMutableBytes[records]) }
  }

  mutating func know(_ channel: UInt16) {
    while isChannel.count <= Int(channel) { isChannel.append(false) }
    isChannel[Int(channel)] = true
  }

  mutating func removeAll() {
    store.removeAll()
    records = 0..<0
    identities.removeAll(keepingCapacity: true)
    hasIdentities = false
    place = 0
    index = 0
  }

  /// Takes what is in `bytes` and leaves other memory there: records are not copied.
  mutating func take(_ bytes: inout ByteStore, records range: Range<Int>, at offset: UInt64) {
    swap(&store, &bytes)
    begin(range, at: offset)
  }

  /// Becomes a part of itself, in bytes from its records' beginning: what was sealed in it.
  mutating func narrow(to part: Range<Int>) {
    begin((records.lowerBound + part.lowerBound)..<(records.lowerBound + part.upperBound), at: offset)
  }

  /// Becomes one message that its file has outside of chunks.
  mutating func take(message: UnsafeRawBufferPointer, at offset: UInt64) {
    store.removeAll()
    store.record(MCAP.Opcode.message) { $0.bytes(message) }
    begin(0..<store.count, at: offset)
  }

  /// Room for records of `length` bytes, for ``filled(_:at:)`` to count.
  mutating func room(_ length: Int) -> UnsafeMutableRawBufferPointer {
    store.removeAll()
    return UnsafeMutableRawBufferPointer(start: store.room(length), count: length)
  }

  mutating func filled(_ length: Int, at offset: UInt64) {
    store.advance(length)
    begin(0..<length, at: offset)
  }

  private mutating func begin(_ range: Range<Int>, at offset: UInt64) {
    records = range
    self.offset = offset
    identities.removeAll(keepingCapacity: true)
    hasIdentities = false
    place = range.lowerBound
    index = 0
  }

  /// The next record from `position` on that is wanted; all lengths on the way are checked. Positions are in bytes
  /// from the records' beginning.
  ///
  /// - Parameter withMessages: whether messages are wanted, and not only what describes them.
  func nextRecord(_ position: inout Int, withMessages: Bool) throws -> (opcode: UInt8, content: Range<Int>)? {
    let bytes = UnsafeRawBufferPointer(rebasing: store.unsafeBytes[records])
    while position < bytes.count {
      guard bytes.count - position >= MCAP.recordHeadByteCount else { throw altered("a chunk ends inside a record") }
      let opcode = bytes[position]
      let length = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position + 1, as: UInt64.self))
      let start = position + MCAP.recordHeadByteCount
      guard length <= UInt64(bytes.count - start) else { throw altered("a record is longer than its chunk") }
      position = start + Int(length)
      if opcode == MCAP.Opcode.message {
        guard length >= 22 else { throw altered("a message is shorter than its head") }
        guard withMessages else { continue }
      }
      return (opcode, start..<position)
    }
    return nil
  }

  /// Takes an identity record that lies in `bytes`.
  mutating func takeIdentities(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, checksum: Checksum) throws {
    func altered(_ what: String) -> SegmentDamage { SegmentDamage(kind: .altered, offset: offset, what: what) }
    var cursor = RecordCursor(RawSpan(_unsafeBytes: bytes))
    guard bytes.count >= 9, cursor.u8() == 1, let count = cursor.u32() else {
      throw altered("an identity record is malformed")
    }
    let crc = checksum(UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 4)]), 0)
    let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self))
    guard crc == stored else { throw altered("an identity record's checksum is wrong") }
    // Head and checksum take 9 bytes, an identity 4 at least.
    guard Int(count) <= (bytes.count - 9) / 4 else { throw altered("an identity record claims \(count) messages") }
    predictor.reset()
    identities.reserveCapacity(Int(count))
    for _ in 0..<count {
      guard let identity = predictor.decode(&cursor) else { throw altered("an identity record is malformed") }
      identities.append(identity)
    }
    guard cursor.left == 4 else { throw altered("an identity record has bytes too many") }
    hasIdentities = true
  }

  typealias Checksum = (_ bytes: UnsafeRawBufferPointer, _ before: UInt32) -> UInt32

  @inline(__always)
  mutating func forEachMessage(_ body: (borrowing RecordedMessage) throws -> Void) throws {
    place = records.lowerBound
    index = 0
    while try takeMessage(body) {}
  }

  /// Calls `body` with the next message; `false` at the end.
  @inline(__always)
  mutating func takeMessage(_ body: (borrowing RecordedMessage) throws -> Void) throws -> Bool {
    guard let content = nextMessage() else {
      guard identities.isEmpty || identities.count == index else {
        throw altered("a chunk has \(index) messages and \(identities.count) identities")
      }
      return false
    }
    var cursor = RecordCursor(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: store.unsafeBytes[content])))
    guard let channel = cursor.u16(), let sequence = cursor.u32(), let logTime = cursor.u64(),
      let publishTime = cursor.u64()
    else { throw altered("a message is shorter than its head") }
    guard Int(channel) < isChannel.count, isChannel[Int(channel)] else {
      throw altered("a message names a channel that is not there")
    }
    var identity = MessageIdentity(
      channel: channel, number: UInt64(sequence),
      deviceTime: .init(monotonicNanoseconds: 0, wallNanoseconds: publishTime))
    if index < identities.count { identity = identities[index] }
    guard identity.channel == channel, UInt32(truncatingIfNeeded: identity.number) == sequence else {
      throw altered("a message and its identity disagree")
    }
    place = content.upperBound
    index += 1
    try body(RecordedMessage(identity: identity, logTime: logTime, publishTime: publishTime, payload: cursor.rest()))
    return true
  }

  /// When the message that ``takeMessage(_:)`` takes next was received; `nil` at the end.
  mutating func nextLogTime() -> UInt64? {
    guard let content = nextMessage(), content.count >= 14 else { return nil }
    return UInt64(littleEndian: store.unsafeBytes.loadUnaligned(fromByteOffset: content.lowerBound + 6, as: UInt64.self))
  }

  /// Where the content of the next message lies, past whatever else is before it. The records were walked before:
  /// their lengths lie inside the chunk.
  @inline(__always)
  private mutating func nextMessage() -> Range<Int>? {
    let bytes = store.unsafeBytes
    while records.upperBound - place >= MCAP.recordHeadByteCount {
      let start = place + MCAP.recordHeadByteCount
      let length = Int(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place + 1, as: UInt64.self)))
      if bytes[place] == MCAP.Opcode.message { return start..<(start + length) }
      place = start + length
    }
    return nil
  }

  private func altered(_ what: String) -> SegmentDamage { SegmentDamage(kind: .altered, offset: offset, what: what) }
}
