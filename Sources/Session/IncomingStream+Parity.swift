import STTWire

/// Receiving under parity (docs/protocol.md 2.15).
extension IncomingStream {
  /// Where a frame stands: its own number in the stream, and the packet it came in.
  struct Place {
    var sequence: UInt32
    var packet: UInt64
  }

  /// What a session lends a stream for its parity.
  struct ParityAllowance {
    /// Blocks a stream keeps.
    var blockCount: Int
    /// Bytes that may be taken beside those the stream has.
    var byteCount: Int
  }

  /// After so many blocks without parity the sender is taken to send none for a while, and no memory and no
  /// arithmetic are spent on what it might send.
  private static let mostQuietBlocks = 64

  /// Takes a DATA frame of a stream that may have parity.
  mutating func takeUnderParity<Sink: MessageSink & ~Copyable>(
    _ reader: inout ByteReader, flags: FrameFlags, at place: Place, _ limits: Limits, parity: ParityAllowance,
    into sink: inout Sink
  ) -> Outcome {
    guard let shape else { return .refused }
    if flags.contains(.parity) { return takeParity(&reader, shape, at: place, limits, parity: parity, into: &sink) }
    var again = reader
    let payload = again.rest()
    let outcome = takeData(&reader, flags: flags, limits, into: &sink)
    guard case .taken = outcome, !isQuiet else { return outcome }
    beginKeeping(shape, parity)
    guard var kept = blocks.take() else { return outcome }
    let recoverable = kept.takeData(sequence: place.sequence, flags: flags, payload: payload, packet: place.packet)
    if kept.quietCount > Self.mostQuietBlocks {
      isQuiet = true
      return outcome
    }
    return finish(consume kept, recoverable, limits, into: &sink)
  }

  private mutating func takeParity<Sink: MessageSink & ~Copyable>(
    _ reader: inout ByteReader, _ shape: ParityShape, at place: Place, _ limits: Limits,
    parity: ParityAllowance, into sink: inout Sink
  ) -> Outcome {
    guard let prefix = try? ParityPrefix(&reader), place.sequence & ParityPrefix.sequenceMask == 0,
      prefix.dataCount <= shape.dataCount, prefix.index < shape.parityCount
    else { return .violation }
    isQuiet = false
    beginKeeping(shape, parity)
    guard var kept = blocks.take() else { return .taken }
    switch kept.takeParity(prefix, sequence: place.sequence, coded: reader.rest(), packet: place.packet) {
    case .recoverable(let block): return finish(consume kept, block, limits, into: &sink)
    case .taken: return finish(consume kept, nil, limits, into: &sink)
    case .violation: return .violation
    }
  }

  private mutating func beginKeeping(_ shape: ParityShape, _ parity: ParityAllowance) {
    switch blocks {
    case .some: return
    case .none: break
    }
    guard IncomingParity.byteCount(shape, blockCount: parity.blockCount) <= parity.byteCount else { return }
    blocks = IncomingParity(shape, blockCount: parity.blockCount)
  }

  /// Takes what the block at `place` gives back as if it had arrived, and keeps the blocks.
  private mutating func finish<Sink: MessageSink & ~Copyable>(
    _ kept: consuming IncomingParity, _ place: Int?, _ limits: Limits, into sink: inout Sink
  ) -> Outcome {
    var kept = kept
    var outcome = Outcome.taken
    if let place {
      kept.recover(place) { shard in
        guard case .taken = outcome else { return }
        var reader = ByteReader(shard)
        guard let packed = try? reader.u8(), let flags = FrameFlags(packed: packed) else {
          outcome = .violation
          return
        }
        switch takeData(&reader, flags: flags, limits, into: &sink) {
        case .taken: recoveredCount += 1
        // No memory: its sender still takes it for lost, and sends it again.
        case .refused: break
        case .violation: outcome = .violation
        }
      }
    }
    blocks = consume kept
    return outcome
  }

  /// Bytes of memory that the stream's parity takes.
  var parityByteCount: Int {
    switch blocks {
    case .some(let kept): kept.byteCount
    case .none: 0
    }
  }
}
