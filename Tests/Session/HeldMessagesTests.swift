import BasicContainers
import STTBuffers
import STTWire
import Testing

@testable import STTSession

/// Messages that came before one they follow.
@Suite struct HeldMessagesTests {
  /// Notes what is delivered, and lends buffers.
  private struct Sink: MessageSink, ~Copyable {
    let pool: BufferPool
    var delivered: [UInt64] = []
    var skipped: [Range<UInt64>] = []
    /// Deliveries before there is no more room.
    var room = Int.max
    var isAccepting: Bool { room > 0 }

    mutating func opened(_ open: StreamOpen) -> StreamAdmission? { .init(token: 0, position: 0, durable: 0) }
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {
      let expected = UInt8(truncatingIfNeeded: number)
      let isRight = payload.withUnsafeBytes { $0.allSatisfy { $0 == expected } }
      #expect(isRight && time.monotonicNanoseconds == number, "message \(number)")
      #expect(isAccepting, "message \(number)")
      delivered.append(number)
      room -= 1
    }
    mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {
      let expected = UInt8(truncatingIfNeeded: number)
      let isRight = message.bytes.extracting(MessageTime.byteCount...).withUnsafeBytes { $0.allSatisfy { $0 == expected } }
      #expect(isRight && time.monotonicNanoseconds == number, "message \(number)")
      #expect(isAccepting, "message \(number)")
      delivered.append(number)
      room -= 1
    }
    mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) { skipped.append(numbers) }
    mutating func ended(token: Int, end: UInt64) {}
    mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }
  }

  /// A stream that is open.
  private struct Receiver: ~Copyable {
    var streams = IncomingStreams(.init())
    var sink: Sink

    init(buffers: Int = 4096) throws {
      sink = Sink(pool: BufferPool([SlabClass(byteCount: 2048, count: buffers)]))
      _ = try open(1)
    }

    /// Opens stream `id`, and answers its index.
    mutating func open(_ id: UInt16) throws -> Int {
      let bytes = StreamOpen(
        largestMessage: 2000, delivery: .reliable, durability: .periodic, priority: 0, deadlineMilliseconds: 0,
        uid: StreamUID(high: 1, low: UInt64(id)), incarnation: 1, firstMessage: 0, name: "s", schemaEncoding: "",
        schemaName: "", schemaData: [], purpose: "main"
      ).bytes
      let frame = ByteWriter.array(capacity: 2000) {
        $0.u32(UInt32(bytes.count))
        $0.u32(0)
        $0.bytes(bytes)
      }
      let added = streams.add(id)
      let index = try #require(added)
      var reader = ByteReader(frame.span.bytes)
      let outcome = streams.takeOpen(index, &reader, into: &sink)
      try #require(outcome == .taken)
      return index
    }

    /// A part of a message of 80 bytes, its time included.
    mutating func takePart(of number: UInt64, _ part: Range<Int>) {
      let message = ByteWriter.array(capacity: 80) {
        MessageTime(monotonicNanoseconds: number, wallNanoseconds: 0).write(&$0)
        $0.bytes([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 64))
      }
      let payload = ByteWriter.array(capacity: 100) {
        $0.u64(number)
        $0.u32(80)
        $0.u32(UInt32(part.lowerBound))
        $0.bytes(Array(message[part]))
      }
      var reader = ByteReader(payload.span.bytes)
      let flags: FrameFlags = part.lowerBound == 0 ? .messageBegin : part.upperBound == 80 ? .messageEnd : []
      let outcome = streams.takeData(0, &reader, flags: flags, at: .init(sequence: 0, packet: 0), into: &sink)
      #expect(outcome == .taken, "message \(number)")
    }

    mutating func skip(upTo number: UInt64, is expected: IncomingStream.Outcome) {
      let outcome = streams.takeSkip(0, Skip(upTo: number, reason: 0), into: &sink)
      #expect(outcome == expected)
    }

    /// Of all streams.
    var placeCount: UInt64 {
      var sum: UInt64 = 0
      for index in 0..<streams.count { sum += streams.streams[index].held.placeCount }
      return sum
    }

    func expectNothingHeld() {
      let held = streams.heldByteCount
      let lent = sink.pool.outstanding
      #expect(held == 0 && lent == 0)
    }

    mutating func take(_ number: UInt64, byteCount: Int = 64, is expected: IncomingStream.Outcome) {
      let outcome = take(number, byteCount: byteCount)
      #expect(outcome == expected, "message \(number)")
    }

    mutating func take(_ number: UInt64, byteCount: Int = 64, on index: Int = 0) -> IncomingStream.Outcome {
      let payload = ByteWriter.array(capacity: byteCount + 24) {
        $0.u64(number)
        MessageTime(monotonicNanoseconds: number, wallNanoseconds: 0).write(&$0)
        $0.bytes([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: byteCount))
      }
      var reader = ByteReader(payload.span.bytes)
      return streams.takeData(index, &reader, flags: .wholeMessage, at: .init(sequence: 0, packet: 0), into: &sink)
    }
  }

  @Test func smallOnesShareBuffers() throws {
    var receiver = try Receiver()
    let count: UInt64 = 30_000
    for number in 1..<count { receiver.take(number, is: .taken) }
    #expect(receiver.sink.delivered.isEmpty)
    // 25 of 80 bytes to a buffer of 2048.
    let buffers = receiver.sink.pool.outstanding
    #expect(buffers == 1200, "\(buffers) buffers")
    #expect(receiver.streams.heldByteCount == 80 * (Int(count) - 1))
    receiver.take(0, is: .taken)
    #expect(receiver.sink.delivered == Array(0..<count))
    receiver.expectNothingHeld()
    let places = receiver.placeCount
    #expect(places == 64, "a table for 30,000 is not kept")
  }

  @Test func inAnyOrderAndTwice() throws {
    var receiver = try Receiver()
    for step in 1..<UInt64(2000) {
      // Every number from 1 to 1999, each again at once and once more later: 0 is missing all the time.
      for number in [step * 1237 % 2000, step * 1237 % 2000, step / 2 * 1237 % 2000] where number != 0 {
        receiver.take(number, byteCount: [10, 64, 400, 900][Int(number % 4)], is: .taken)
      }
    }
    #expect(receiver.sink.delivered.isEmpty)
    receiver.take(0, byteCount: 10, is: .taken)
    #expect(receiver.sink.delivered == Array(0..<2000))
    receiver.expectNothingHeld()
  }

  @Test func whatIsSkippedGivesItsBuffersBack() throws {
    var receiver = try Receiver()
    for number in [3, 4, 5, 9, 10] as [UInt64] { receiver.take(number, is: .taken) }
    for number in [1, 7] as [UInt64] { receiver.takePart(of: number, 0..<30) }
    receiver.skip(upTo: 10, is: .taken)
    #expect(receiver.sink.delivered == [3, 4, 5, 9, 10])
    #expect(receiver.sink.skipped == [0..<3, 6..<9])
    receiver.expectNothingHeld()
  }

  @Test(arguments: [1, 63, 64, 65, 4095, 20_000, 32_767] as [UInt64])
  func aWideGapIsSkippedAtOnce(ahead: UInt64) throws {
    var receiver = try Receiver()
    receiver.take(ahead, is: .taken)
    receiver.skip(upTo: ahead, is: .taken)
    #expect(receiver.sink.delivered == [ahead] && receiver.sink.skipped == [0..<ahead])
    receiver.skip(upTo: ahead + 100_000, is: .taken)
    #expect(receiver.sink.skipped == [0..<ahead, ahead + 1..<ahead + 100_000])
    receiver.take(ahead + 100_000, is: .taken)
    #expect(receiver.sink.delivered == [ahead, ahead + 100_000])
    receiver.expectNothingHeld()
  }

  @Test func aSmallMessageComesInPartsAndWhole() throws {
    var receiver = try Receiver()
    receiver.takePart(of: 1, 0..<30)
    receiver.take(1, is: .taken)
    receiver.take(2, is: .taken)
    receiver.takePart(of: 2, 30..<80)
    receiver.takePart(of: 3, 40..<80)
    receiver.takePart(of: 3, 0..<40)
    receiver.take(3, is: .taken)
    receiver.take(0, is: .taken)
    #expect(receiver.sink.delivered == [0, 1, 2, 3])
    receiver.expectNothingHeld()
  }

  @Test func aSinkThatHasNoMoreRoomGetsTheRestLater() throws {
    var receiver = try Receiver()
    for number in 1..<UInt64(1000) { receiver.take(number, byteCount: number % 3 == 0 ? 900 : 64, is: .taken) }
    receiver.sink.room = 10
    receiver.take(0, is: .taken)
    #expect(receiver.sink.delivered == Array(0..<10))
    var interrupted = receiver.streams.isInterrupted
    #expect(interrupted)
    // Nothing is taken meanwhile, and nothing skipped.
    receiver.take(1000, is: .refused)
    receiver.skip(upTo: 500, is: .refused)
    #expect(receiver.sink.skipped.isEmpty)
    var left = 0
    while receiver.sink.delivered.count < 1000, left < 200 {
      left += 1
      receiver.sink.room = 7
      let outcome = receiver.streams.resume(into: &receiver.sink)
      #expect(outcome == .taken)
    }
    #expect(receiver.sink.delivered == Array(0..<1000))
    receiver.sink.room = .max
    let outcome = receiver.streams.resume(into: &receiver.sink)
    interrupted = receiver.streams.isInterrupted
    #expect(outcome == .taken && !interrupted)
    receiver.expectNothingHeld()
    receiver.take(1000, is: .taken)
  }

  @Test func aRunStopsWhereTheSinkHasNoMoreRoom() throws {
    var receiver = try Receiver()
    let other = try receiver.open(3)
    #expect(other == 1)
    // Ten of one stream, three of the other, two of the first again, and one that is not in turn.
    let frames = [(1, 0..<10), (3, 0..<3), (1, 10..<12), (1, 13..<14)] as [(UInt16, Range<UInt64>)]
    let bundle = ByteWriter.array(capacity: 4000) { writer in
      for (stream, numbers) in frames {
        for number in numbers {
          BundledFrame(type: .data, flags: .wholeMessage, stream: stream, payloadByteCount: 28).write(&writer)
          writer.u64(number)
          MessageTime(monotonicNanoseconds: number, wallNanoseconds: 0).write(&writer)
          writer.bytes([UInt8](repeating: UInt8(number), count: 4))
        }
      }
    }
    var reader = ByteReader(bundle.span.bytes)
    receiver.sink.room = 4
    var counts = [receiver.streams.takeRun(&reader, into: &receiver.sink)]
    receiver.sink.room = .max
    for _ in 0..<4 { counts.append(receiver.streams.takeRun(&reader, into: &receiver.sink)) }
    #expect(counts == [4, 6, 3, 2, 0])
    #expect(receiver.sink.delivered == Array(0..<10) + [0, 1, 2, 10, 11])
    #expect(reader.left == 38)
  }

  @Test func tooFarAheadOrWithoutMemoryIsRefused() throws {
    var receiver = try Receiver(buffers: 3)
    receiver.take(32_768, is: .refused)
    receiver.take(32_768 - 1, is: .taken)
    // The last buffer is never taken for what waits: two of three hold 25 each.
    var taken = 1
    var number: UInt64 = 1
    while receiver.take(number) == .taken {
      taken += 1
      number += 1
    }
    #expect(taken == 50)
    receiver.take(0, is: .taken)
    #expect(receiver.sink.delivered == Array(0..<50))
  }

  @Test(arguments: [(1, 32_768), (4, 32_768), (5, 26_214), (16, 8192), (33, 4096), (200, 4096)])
  func moreStreamsAreEachLessFarAhead(streams: Int, mostGap: UInt64) throws {
    var receiver = try Receiver()
    for index in 1..<UInt16(streams) { _ = try receiver.open(index * 2 + 1) }
    let outcome = receiver.take(mostGap - 1, on: streams - 1)
    #expect(outcome == .taken)
    let beyond = receiver.take(mostGap, on: streams - 1)
    #expect(beyond == .refused)
  }

  @Test func tablesOfStreamsThatOpenOneAfterAnother() throws {
    var receiver = try Receiver()
    var most: UInt64 = 0
    for count in 1...40 {
      let index = count == 1 ? 0 : try receiver.open(UInt16(count) * 2 - 1)
      let outcome = receiver.take(OutgoingStream.mostGap(streamCount: count) - 1, on: index)
      #expect(outcome == .taken)
      most += count < 8 ? 32_768 : count < 16 ? 16_384 : count < 32 ? 8192 : 4096
    }
    let places = receiver.placeCount
    #expect(places == most)
  }
}
