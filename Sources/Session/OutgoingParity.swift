import STTFEC
import STTWire

/// The parity of one stream that is being sent (docs/protocol.md 2.15).
///
/// The parity shards are made while the data shards go out, so that no data is kept. A block that is full
/// or waited long enough is closed; its parity leaves before the stream's next frame.
struct OutgoingParity: ~Copyable {
  let stream: Int
  private let parity: Parity
  private let shape: ParityShape
  private var encoder: ParityEncoder
  /// The parity shards, and behind them one data shard in the making. Nothing until the first block.
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var isOn = false
  /// When the open block is closed, full or not.
  private(set) var due = MonotonicTime.never
  /// Parity shards of the closed block that have not been sent.
  private(set) var owed = 0..<0

  /// `nil` for a stream without parity.
  init?(stream: Int, parity: Parity) {
    guard let shape = parity.shape,
      let encoder = ParityEncoder(parityCount: shape.parityCount, shardByteCount: ParityPrefix.largestShard)
    else { return nil }
    self.stream = stream
    self.parity = parity
    self.shape = shape
    self.encoder = encoder
  }

  deinit { memory.deallocate() }

  private var rowsByteCount: Int { shape.parityCount * (ParityPrefix.largestShard + ParityPrefix.codedLengthByteCount) }

  /// Data shards of the block so far.
  var dataCount: Int { encoder.dataCount }

  /// Whether the next frame goes out under parity. Never changes inside a block.
  mutating func decide(deadline: UInt64?, roundTrip: UInt64?, loss: Double) -> Bool {
    if encoder.dataCount == 0 {
      isOn = parity.isWanted(isOn: isOn, deadline: deadline, roundTrip: roundTrip, loss: loss)
    }
    return isOn
  }

  /// Where the next data shard is put together.
  mutating func shardMemory() -> UnsafeMutableRawBufferPointer {
    if memory.count == 0 {
      memory = .allocate(byteCount: rowsByteCount + ParityPrefix.largestShard, alignment: 16)
    }
    return UnsafeMutableRawBufferPointer(rebasing: memory[rowsByteCount...])
  }

  /// Adds the first `byteCount` bytes of ``shardMemory()`` to the block.
  ///
  /// - Parameter wait: nanoseconds that the block stays open after its first shard, at most.
  mutating func add(byteCount: Int, now: MonotonicTime, wait: UInt64) {
    let shard = UnsafeRawBufferPointer(rebasing: memory[rowsByteCount..<rowsByteCount + byteCount])
    let isAdded = encoder.add(shard.bytes, unsafe: UnsafeMutableRawBufferPointer(rebasing: memory[..<rowsByteCount]))
    precondition(isAdded, "a block is closed when it is full, and shards fit")
    if encoder.dataCount == 1 { due = now + wait }
    if encoder.dataCount == shape.dataCount { close() }
  }

  mutating func closeIfDue(_ now: MonotonicTime) {
    if due <= now { close() }
  }

  /// A short block has no more parity than data.
  private mutating func close() {
    owed = 0..<min(shape.parityCount, encoder.dataCount)
    due = .never
  }

  /// The next parity shard to send; the last one ends the block, and `coded` stays readable until the next
  /// ``add(byteCount:now:wait:)``.
  mutating func take() -> (prefix: ParityPrefix, coded: UnsafeRawBufferPointer)? {
    guard let index = owed.first, let range = encoder.parityRange(index) else { return nil }
    let prefix = ParityPrefix(dataCount: encoder.dataCount, index: index)
    owed.removeFirst()
    if owed.isEmpty { encoder.reset() }
    return (prefix, UnsafeRawBufferPointer(rebasing: memory[range]))
  }

  /// Bytes of each parity shard of the block.
  var codedByteCount: Int { encoder.parityByteCount }

  /// Begins anew: what the block protected went another way, or is given up.
  mutating func abandon() {
    encoder.reset()
    owed = 0..<0
    due = .never
  }
}
