import BasicContainers
import DequeModule
import STTBuffers
import STTWire
import Testing

@testable import STTSession

/// Runs are a short cut: what comes of them is what comes of one message after another.
@Suite struct RunsTests {
  /// Streams of every kind that runs meet: two like the most, one with parity, one unordered.
  private static func open(_ index: Int, deadline: UInt32 = 0) -> StreamOpen {
    StreamOpen(
      largestMessage: 600, delivery: index == 3 ? .unreliable : deadline > 0 ? .partial : .reliable,
      durability: .periodic, priority: 0,
      forwardErrorCorrection: index == 2 ? ParityShape(dataCount: 4, parityCount: 2) : nil,
      deadlineMilliseconds: deadline, uid: StreamUID(high: 1, low: UInt64(index)), incarnation: 1, firstMessage: 0,
      name: "s\(index)", schemaEncoding: "", schemaName: "", schemaData: [], purpose: "main")
  }

  // MARK: Receiving

  private enum Event: Equatable {
    case delivered(token: Int, number: UInt64, time: MessageTime, payload: [UInt8])
    case skipped(token: Int, Range<UInt64>)
  }

  private struct Sink: MessageSink, ~Copyable {
    let pool = BufferPool([SlabClass(byteCount: 2048, count: 64)])
    var events: [Event] = []
    var openCount = 0
    var room = Int.max
    var isAccepting: Bool { room > 0 }

    mutating func opened(_ open: StreamOpen) -> StreamAdmission? {
      defer { openCount += 1 }
      return .init(token: openCount, position: 0, durable: 0)
    }
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {
      note(.delivered(token: token, number: number, time: time, payload: payload.withUnsafeBytes { Array($0) }))
    }
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {
      let payload = message.bytes.extracting(MessageTime.byteCount...).withUnsafeBytes { Array($0) }
      note(.delivered(token: token, number: number, time: time, payload: payload))
    }
    mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {
      events.append(.skipped(token: token, numbers))
    }
    mutating func ended(token: Int, end: UInt64) {}
    mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }

    private mutating func note(_ event: Event) {
      #expect(isAccepting)
      events.append(event)
      room -= 1
    }
  }

  private struct Receiver: ~Copyable {
    var streams = IncomingStreams(.init())
    var sink = Sink()
    var runCount = 0

    init() throws {
      for index in 0..<4 {
        let bytes = RunsTests.open(index).bytes
        let frame = ByteWriter.array(capacity: 2000) {
          $0.u32(UInt32(bytes.count))
          $0.u32(0)
          $0.bytes(bytes)
        }
        let added = streams.add(UInt16(2 * index + 1))
        var reader = ByteReader(frame.span.bytes)
        let outcome = streams.takeOpen(try #require(added), &reader, into: &sink)
        try #require(outcome == .taken)
      }
    }

    /// Whether each frame was taken.
    mutating func take(_ bundle: [UInt8], packet: UInt64, inRuns: Bool) throws -> [IncomingStream.Outcome] {
      var outcomes: [IncomingStream.Outcome] = []
      var reader = ByteReader(bundle.span.bytes)
      while reader.left > 0 {
        let count = inRuns ? streams.takeRun(&reader, into: &sink) : 0
        if count > 0 {
          runCount += count
          outcomes += repeatElement(.taken, count: count)
          continue
        }
        let frame = try BundledFrame(&reader)
        var inner = ByteReader(try reader.span(Int(frame.payloadByteCount)))
        guard let index = streams.index(of: frame.stream) else {
          outcomes.append(.refused)
          continue
        }
        if frame.type == .skip {
          outcomes.append(streams.takeSkip(index, try Skip(&inner), into: &sink))
        } else {
          let place = IncomingStream.Place(sequence: frame.sequence, packet: packet)
          outcomes.append(streams.takeData(index, &inner, flags: frame.flags, at: place, into: &sink))
        }
      }
      return outcomes
    }

    /// Of each stream: the next number, whether it is to be acknowledged, and what is held.
    mutating func state() -> [UInt64] {
      var state = [UInt64(streams.heldByteCount), streams.isInterrupted ? 1 : 0]
      for index in 0..<streams.count {
        state += [streams.streams[index].acknowledgement.delivered, streams.streams[index].ackPending ? 1 : 0]
        streams.streams[index].ackPending = false
      }
      return state
    }
  }

  /// A sender that loses, repeats, skips and takes apart.
  private struct Frames {
    var random: Seeded
    /// Of each stream, one number more than there are streams at the receiver.
    var next = [UInt64](repeating: 0, count: 5)
    var sequence = [UInt32](repeating: 0, count: 5)

    mutating func bundle() -> [UInt8] {
      var index = Int.random(in: 0..<5, using: &random)
      return ByteWriter.array(capacity: 16_000) { writer in
        for _ in 0..<Int.random(in: 1...20, using: &random) {
          if Int.random(in: 0..<8, using: &random) == 0 { index = Int.random(in: 0..<5, using: &random) }
          switch Int.random(in: 0..<40, using: &random) {
          case 0:
            // One that comes later, or never.
            next[index] += 1
            write(next[index], index, &writer)
            next[index] += 1
          case 1: write(next[index] - min(next[index], UInt64.random(in: 1...4, using: &random)), index, &writer)
          case 2: write(next[index], index, byteCount: Int.random(in: 0..<700, using: &random), &writer)
          case 3: writeHalf(of: next[index], index, &writer)
          case 4:
            next[index] += 2
            BundledFrame(type: .skip, stream: UInt16(2 * index + 1), payloadByteCount: Skip.byteCount).write(&writer)
            Skip(upTo: next[index], reason: 0).write(&writer)
          default:
            write(next[index], index, &writer)
            next[index] += 1
          }
        }
      }
    }

    private mutating func write(_ number: UInt64, _ index: Int, byteCount: Int = 16, _ writer: inout ByteWriter) {
      head(index, .wholeMessage, byteCount: 8 + MessageTime.byteCount + byteCount, &writer)
      writer.u64(number)
      MessageTime(monotonicNanoseconds: number, wallNanoseconds: 7).write(&writer)
      writer.bytes((0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &+ Int(number)) })
    }

    private mutating func writeHalf(of number: UInt64, _ index: Int, _ writer: inout ByteWriter) {
      let isFirst = Bool.random(using: &random)
      head(index, isFirst ? .messageBegin : .messageEnd, byteCount: 32, &writer)
      writer.u64(number)
      writer.u32(32)
      writer.u32(isFirst ? 0 : 16)
      if isFirst {
        MessageTime(monotonicNanoseconds: number, wallNanoseconds: 7).write(&writer)
      } else {
        writer.bytes([UInt8](repeating: 9, count: 16))
      }
    }

    private mutating func head(_ index: Int, _ flags: FrameFlags, byteCount: Int, _ writer: inout ByteWriter) {
      BundledFrame(
        type: .data, flags: flags, stream: UInt16(2 * index + 1), sequence: sequence[index], payloadByteCount: byteCount
      ).write(&writer)
      sequence[index] += 1
    }
  }

  @Test(arguments: UInt64(0)..<60) func receivingThemIsReceivingOneAfterAnother(seed: UInt64) throws {
    var frames = Frames(random: Seeded(state: seed))
    var inRuns = try Receiver()
    var alone = try Receiver()
    for packet in 0..<UInt64(400) {
      let isShort = Int.random(in: 0..<4, using: &frames.random) == 0
      let room = isShort ? Int.random(in: 0..<6, using: &frames.random) : Int.max
      inRuns.sink.room = room
      alone.sink.room = room
      let bundle = frames.bundle()
      let outcomes = try inRuns.take(bundle, packet: packet, inRuns: true)
      let expected = try alone.take(bundle, packet: packet, inRuns: false)
      #expect(outcomes == expected, "packet \(packet)")
      inRuns.sink.room = .max
      alone.sink.room = .max
      let resumed = (inRuns.streams.resume(into: &inRuns.sink), alone.streams.resume(into: &alone.sink))
      #expect(resumed.0 == resumed.1)
      let (state, expectedState) = (inRuns.state(), alone.state())
      #expect(state == expectedState, "packet \(packet)")
    }
    let (events, expected) = (inRuns.sink.events, alone.sink.events)
    #expect(events == expected)
    // Nothing is proved by a comparison of the long way with itself.
    let (count, delivered) = (inRuns.runCount, events.count)
    #expect(count > 100 && delivered > 1000, "\(count) of \(delivered)")
  }

  // MARK: Sending

  private struct Sender: ~Copyable {
    var outbox = Outbox(role: .initiator)
    let pool = BufferPool([SlabClass(byteCount: 4096, count: 512)])
    var runCount = 0
    private static let capacity = 1300

    init() throws {
      for index in 0..<3 {
        let added = outbox.add(RunsTests.open(index == 2 ? 3 : 0, deadline: index == 1 ? 50 : 0))
        try #require(added == index)
      }
      outbox.reset(sessionWindow: 12_000)
      for index in 0..<3 { outbox.streams[index].opening = .open }
    }

    /// What a datagram says, and which messages were noted as its content.
    mutating func send(room: Int, inRuns: Bool) -> (bytes: [UInt8], messages: [UInt64]) {
      var messages: [UInt64] = []
      let bytes = ByteWriter.array(capacity: room) { writer in
        for stream in 0..<outbox.streamCount {
          while true {
            if inRuns {
              let first = outbox.streams[stream].next
              let count = outbox.writeRun(stream, largest: Self.capacity - BundledFrame.headByteCount, &writer)
              runCount += count
              messages += first..<first + UInt64(count)
            }
            guard let part = outbox.nextPart(stream, partCapacity: Self.capacity) else { break }
            let frameByteCount = BundledFrame.headByteCount + DataPrefix.wholeByteCount + part.count
            if part.isWhole, frameByteCount <= writer.room {
              let isWritten = outbox.writeWhole(stream, part.message, &writer)
              #expect(isWritten)
              messages.append(part.message)
            } else {
              if writer.count > 0 { return }
              // One that leaves in a datagram of its own.
              messages += [part.message, UInt64(part.offset), UInt64(part.count)]
            }
            outbox.partSent(stream, part)
            if writer.count == 0 { return }
          }
        }
      }
      return (bytes, messages)
    }

    mutating func enqueue(_ stream: Int, byteCount: Int, at time: UInt64) {
      let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: byteCount &+ Int(time)), count: byteCount)
      _ = outbox.enqueueCopy(
        time: MessageTime(monotonicNanoseconds: time, wallNanoseconds: 0), payload: payload.span.bytes, on: stream
      ) { [pool] in pool.lease(atLeast: 4096) }
    }

    func state() -> [UInt64] {
      var state = [UInt64(outbox.outstanding), UInt64(outbox.byteCount), UInt64(outbox.leaseCount)]
      for stream in 0..<outbox.streamCount {
        state += [
          outbox.streams[stream].next, outbox.streams[stream].first, UInt64(outbox.streams[stream].nextOffset),
          UInt64(outbox.streams[stream].outstanding), outbox.streams[stream].droppedCount,
          UInt64(outbox.streams[stream].lost.count), UInt64(outbox.streams[stream].sequence),
        ]
      }
      return state
    }
  }

  @Test(arguments: UInt64(0)..<60) func sendingThemIsSendingOneAfterAnother(seed: UInt64) throws {
    var random = Seeded(state: seed)
    var inRuns = try Sender()
    var alone = try Sender()
    var now: UInt64 = 0
    for round in 0..<400 {
      now += 2_000_000
      for _ in 0..<Int.random(in: 0...30, using: &random) {
        let stream = Int.random(in: 0..<3, using: &random)
        let isLarge = Int.random(in: 0..<30, using: &random) == 0
        let byteCount = Int.random(in: isLarge ? 0...3000 : 0...80, using: &random)
        inRuns.enqueue(stream, byteCount: byteCount, at: now)
        alone.enqueue(stream, byteCount: byteCount, at: now)
      }
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let room = Int.random(in: 300...1400, using: &random)
        let (sent, expected) = (inRuns.send(room: room, inRuns: true), alone.send(room: room, inRuns: false))
        #expect(sent == expected, "round \(round)")
      }
      let stream = Int.random(in: 0..<2, using: &random)
      let (delivered, next) = (inRuns.outbox.streams[stream].delivered, inRuns.outbox.streams[stream].next)
      switch Int.random(in: 0..<3, using: &random) {
      case 0 where next > delivered:
        let number = UInt64.random(in: delivered..<next, using: &random)
        guard inRuns.outbox.streams[stream].wants(number) else { break }
        let byteCount = UInt32(inRuns.outbox.streams[stream].message(number).byteCount)
        let range = LostRange(message: number, offset: 0, count: byteCount)
        inRuns.outbox.streams[stream].lost.append(range)
        alone.outbox.streams[stream].lost.append(range)
      case 1 where next >= delivered:
        let number = UInt64.random(in: delivered...next, using: &random)
        let window = UInt32.random(in: 0...8000, using: &random)
        let ack = StreamAck(delivered: number, window: window, durable: number, chainHead: nil)
        let taken = (inRuns.outbox.acknowledge(stream, ack), alone.outbox.acknowledge(stream, ack))
        #expect(taken == (true, true))
      default:
        inRuns.outbox.expire(MonotonicTime(nanoseconds: now))
        alone.outbox.expire(MonotonicTime(nanoseconds: now))
      }
      let (state, expectedState) = (inRuns.state(), alone.state())
      #expect(state == expectedState, "round \(round)")
    }
    let (count, dropped) = (inRuns.runCount, inRuns.outbox.dropped(1))
    #expect(count > 500 && dropped > 0, "\(count) in runs, \(dropped) given up")
  }
}
