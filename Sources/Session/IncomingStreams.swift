import BasicContainers
import STTWire

/// The peer's streams in one session, by stream number.
struct IncomingStreams: ~Copyable {
  var streams = UniqueArray<IncomingStream>()
  /// Index of stream number `2 * i + parity`, or -1.
  private var indices: [Int16] = []
  private let streamWindow: Int
  private let sessionWindow: Int
  private let parityBlockCount: Int
  private let mostParityBytes: Int
  /// Bytes of messages that are not whole yet, or wait for an earlier one, over all streams.
  private(set) var heldByteCount = 0
  /// Messages wait whose turn it is: the sink had no room.
  private(set) var isInterrupted = false
  /// Bytes that all streams' parity takes.
  private(set) var parityByteCount = 0
  /// Frames made from parity.
  private(set) var recoveredCount: UInt64 = 0

  init(_ settings: Session.Settings) {
    streamWindow = settings.streamWindow
    sessionWindow = settings.sessionWindow
    parityBlockCount = settings.parityBlockCount
    mostParityBytes = settings.parityByteCount
  }

  var count: Int { streams.count }

  func index(of id: UInt16) -> Int? {
    let place = Int(id >> 1)
    guard place < indices.count, indices[place] >= 0 else { return nil }
    return Int(indices[place])
  }

  /// Adds stream `id`. `nil`: there are as many as there may be, or its number is out of range.
  mutating func add(_ id: UInt16) -> Int? {
    let place = Int(id >> 1)
    guard streams.count < Outbox.mostStreams, place <= Outbox.mostStreams else { return nil }
    while indices.count <= place { indices.append(-1) }
    indices[place] = Int16(streams.count)
    streams.append(IncomingStream(id: id, window: streamWindow))
    return streams.count - 1
  }

  /// Acknowledgements that wait for no packet to be answered.
  private(set) var acknowledgementsDue = false

  mutating func markDurable(token: Int, below number: UInt64, _ head: RecordingHead?) {
    var index = 0
    while index < streams.count {
      if streams[index].isOpen, streams[index].token == token {
        streams[index].markDurable(number, head)
        if streams[index].ackPending { acknowledgementsDue = true }
      }
      index += 1
    }
  }

  /// The lost acknowledgements must be said again.
  mutating func repeatAcknowledgements() {
    var index = 0
    while index < streams.count {
      if streams[index].isOpen { streams[index].ackPending = true }
      index += 1
    }
    acknowledgementsDue = streams.count > 0
  }
}

// One call each, so that the stream is reached in place.
extension IncomingStreams {
  mutating func takeOpen<Sink: MessageSink & ~Copyable>(
    _ index: Int, _ reader: inout ByteReader, into sink: inout Sink
  ) -> IncomingStream.Outcome {
    streams[index].takeOpen(&reader, into: &sink)
  }

  mutating func takeData<Sink: MessageSink & ~Copyable>(
    _ index: Int, _ reader: inout ByteReader, flags: FrameFlags, at place: IncomingStream.Place, into sink: inout Sink
  ) -> IncomingStream.Outcome {
    let held = streams[index].held.byteCount
    let limits = IncomingStream.Limits(
      byteCount: held + sessionWindow - heldByteCount, gap: OutgoingStream.mostGap(streamCount: streams.count))
    let outcome =
      streams[index].shape == nil
      ? streams[index].takeData(&reader, flags: flags, limits, into: &sink)
      : takeUnderParity(index, &reader, flags: flags, at: place, limits, into: &sink)
    settle(index, held)
    return outcome
  }

  private mutating func takeUnderParity<Sink: MessageSink & ~Copyable>(
    _ index: Int, _ reader: inout ByteReader, flags: FrameFlags, at place: IncomingStream.Place,
    _ limits: IncomingStream.Limits, into sink: inout Sink
  ) -> IncomingStream.Outcome {
    let before = (streams[index].parityByteCount, streams[index].recoveredCount)
    let outcome = streams[index].takeUnderParity(
      &reader, flags: flags, at: place, limits,
      parity: .init(blockCount: parityBlockCount, byteCount: mostParityBytes - parityByteCount), into: &sink)
    parityByteCount += streams[index].parityByteCount - before.0
    recoveredCount += streams[index].recoveredCount - before.1
    return outcome
  }

  mutating func takeSkip<Sink: MessageSink & ~Copyable>(
    _ index: Int, _ skip: Skip, into sink: inout Sink
  ) -> IncomingStream.Outcome {
    let held = streams[index].held.byteCount
    let outcome = streams[index].takeSkip(skip, into: &sink)
    settle(index, held)
    return outcome
  }

  /// Goes on with the messages whose turn it is and that the sink had no room for.
  mutating func resume<Sink: MessageSink & ~Copyable>(into sink: inout Sink) -> IncomingStream.Outcome {
    guard isInterrupted, sink.isAccepting else { return .taken }
    isInterrupted = false
    for index in 0..<streams.count {
      let held = streams[index].held.byteCount
      let outcome = streams[index].resume(into: &sink)
      settle(index, held)
      if streams[index].ackPending { acknowledgementsDue = true }
      guard case .taken = outcome else { return outcome }
    }
    return .taken
  }

  /// Takes note of what stream `index` holds now; it held `before` bytes.
  private mutating func settle(_ index: Int, _ before: Int) {
    heldByteCount += streams[index].held.byteCount - before
    if streams[index].isInterrupted { isInterrupted = true }
  }

  mutating func takeEnd<Sink: MessageSink & ~Copyable>(
    _ index: Int, _ end: StreamEnd, into sink: inout Sink
  ) -> IncomingStream.Outcome {
    streams[index].takeEnd(end, into: &sink)
  }

  /// Writes the acknowledgements that are due, as many as fit into `writer`.
  mutating func writeAcks(_ writer: inout ByteWriter) -> Int {
    var written = 0
    var index = 0
    acknowledgementsDue = false
    while index < streams.count {
      if streams[index].ackPending {
        let ack = streams[index].acknowledgement
        guard writer.room >= BundledFrame.headByteCount + ack.byteCount else {
          acknowledgementsDue = true
          break
        }
        BundledFrame(type: .ack, stream: streams[index].id, payloadByteCount: ack.byteCount).write(&writer)
        ack.write(&writer)
        streams[index].ackPending = false
        written += 1
      }
      index += 1
    }
    return written
  }
}
