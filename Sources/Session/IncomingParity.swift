import STTFEC
import STTWire

/// The last blocks of a stream that is received under parity (docs/protocol.md 2.15).
///
/// A frame's sequence says its block and its place there. Each place for a block belongs to the one that
/// the newest packet spoke of: packet numbers only go up, sequences may jump.
struct IncomingParity: ~Copyable {
  private struct Block {
    /// The sequence of the block's first frame; `nil`: the place is free.
    var first: UInt32?
    /// Number of the newest packet with a frame of the block.
    var newest: UInt64 = 0
    /// What the parity says; 0: none came yet.
    var dataCount = 0
    var recovery: ShardRecovery
  }

  /// What came of a parity frame.
  enum Outcome {
    /// The block at this place can be completed.
    case recoverable(Int)
    case taken
    /// It contradicts the block's other parity.
    case violation
  }

  private let rowByteCount = ParityPrefix.largestShard + ParityPrefix.codedLengthByteCount
  private let parityCount: Int
  private var blocks: [Block]
  /// Every block's parity shards, and behind them one data shard.
  private let memory: UnsafeMutableRawBufferPointer
  /// Blocks that began since the last parity frame.
  private(set) var quietCount = 0

  static func byteCount(_ shape: ParityShape, blockCount: Int) -> Int {
    blockCount * shape.parityCount * (ParityPrefix.largestShard + ParityPrefix.codedLengthByteCount)
      + ParityPrefix.largestShard
  }

  init?(_ shape: ParityShape, blockCount: Int) {
    guard blockCount > 0,
      let recovery = ShardRecovery(parityCount: shape.parityCount, shardByteCount: ParityPrefix.largestShard)
    else { return nil }
    parityCount = shape.parityCount
    blocks = [Block](repeating: Block(recovery: recovery), count: blockCount)
    memory = .allocate(byteCount: Self.byteCount(shape, blockCount: blockCount), alignment: 16)
  }

  deinit { memory.deallocate() }

  var byteCount: Int { memory.count }

  private func rows(_ place: Int) -> UnsafeMutableRawBufferPointer {
    let byteCount = parityCount * rowByteCount
    return UnsafeMutableRawBufferPointer(rebasing: memory[place * byteCount..<(place + 1) * byteCount])
  }

  /// Takes a DATA frame that arrived in packet `packet`; answers the place of its block if that can be completed now.
  mutating func takeData(sequence: UInt32, flags: FrameFlags, payload: RawSpan, packet: UInt64) -> Int? {
    guard payload.byteCount < ParityPrefix.largestShard, let place = place(sequence, packet) else { return nil }
    let shard = UnsafeMutableRawBufferPointer(rebasing: memory[(memory.count - ParityPrefix.largestShard)...])
    var writer = ByteWriter(unsafe: shard)
    writer.u8(flags.packed)
    writer.bytes(payload)
    let bytes = UnsafeRawBufferPointer(rebasing: shard[..<writer.count])
    let outcome = blocks[place].recovery.addData(
      Int(sequence & ParityPrefix.sequenceMask), bytes.bytes, unsafe: rows(place))
    return outcome == .taken ? recoverable(place) : nil
  }

  /// Takes a parity frame of the block that begins at `sequence`.
  mutating func takeParity(_ prefix: ParityPrefix, sequence: UInt32, coded: RawSpan, packet: UInt64) -> Outcome {
    guard let place = place(sequence, packet) else { return .taken }
    quietCount = 0
    guard blocks[place].dataCount == 0 || blocks[place].dataCount == prefix.dataCount else { return .violation }
    blocks[place].dataCount = prefix.dataCount
    let outcome = blocks[place].recovery.addParity(prefix.index, coded, unsafe: rows(place))
    guard outcome == .taken, let place = recoverable(place) else { return .taken }
    return .recoverable(place)
  }

  private func recoverable(_ place: Int) -> Int? {
    blocks[place].recovery.canRecover(dataCount: blocks[place].dataCount) ? place : nil
  }

  /// Lends each missing data shard of the block at `place`. The block is done with: what still comes of it is ignored.
  mutating func recover(_ place: Int, _ body: (_ shard: RawSpan) -> Void) {
    _ = blocks[place].recovery.recover(dataCount: blocks[place].dataCount, unsafe: rows(place)) { body($1) }
  }

  /// Where the block of `sequence` is; `nil` when a newer one has taken its place.
  private mutating func place(_ sequence: UInt32, _ packet: UInt64) -> Int? {
    let first = sequence & ~ParityPrefix.sequenceMask
    let place = Int(first / (ParityPrefix.sequenceMask + 1)) % blocks.count
    if blocks[place].first != first {
      guard blocks[place].first == nil || packet > blocks[place].newest else { return nil }
      blocks[place].first = first
      blocks[place].dataCount = 0
      blocks[place].newest = packet
      blocks[place].recovery.reset()
      quietCount += 1
    }
    blocks[place].newest = max(blocks[place].newest, packet)
    return place
  }
}
