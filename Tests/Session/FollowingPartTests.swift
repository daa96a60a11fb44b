import STC
import STTBuffers
import STTWire
import Testing

@testable import STTSession

/// The parts of a large message that follow one another without a look at everything else in between.
@Suite struct FollowingPartTests {
  /// A device's session on which everything is open, and what its datagrams hold.
  private struct Sender: ~Copyable {
    var session: Session
    var outbox = Outbox(role: .initiator)
    private var opener: PacketOpener<InPlaceEngine>
    var now: MonotonicTime
    private let pool = BufferPool([SlabClass(byteCount: 65_536, count: 8)])
    private var buffer = [UInt8](repeating: 0, count: 1500)

    init(priorities: [UInt8]) throws {
      let bench = try HandshakeBench()
      let run = bench.run()
      let made = try #require(run)
      now = bench.now
      session = Session(made.device, settings: .init(), now: now)
      opener = PacketOpener(made.collector.keys.initiatorToResponder, suite: made.collector.suite, windowBitCount: 8192)
      for (index, priority) in priorities.enumerated() {
        let open = StreamOpen(
          largestMessage: 60_000, delivery: .reliable, durability: .periodic, priority: priority, deadlineMilliseconds: 0,
          uid: StreamUID(high: 1, low: UInt64(index)), incarnation: 1, firstMessage: 0, name: "s", schemaEncoding: "",
          schemaName: "", schemaData: [], purpose: "main")
        let place = outbox.add(open)
        #expect(place == index)
      }
      // The first datagrams open the streams.
      while next() != nil {}
      for index in priorities.indices { outbox.acknowledgeOpen(index) }
    }

    mutating func enqueue(_ byteCount: Int, on stream: Int) {
      guard var lease = pool.lease(atLeast: byteCount) else {
        Issue.record("no buffer")
        return
      }
      lease.count = byteCount
      outbox.enqueue(time: MessageTime(monotonicNanoseconds: 1, wallNanoseconds: 2), head: nil, body: lease, on: stream)
    }

    /// The next datagram at this moment: its type, and of DATA the message and the part of it.
    mutating func next() -> (type: FrameType, stream: UInt16, prefix: DataPrefix?, flags: FrameFlags)? {
      let length = buffer.withUnsafeMutableBytes { session.transmit(into: $0, now: now, wall: 0, outbox: &outbox) }
      guard length > 0, let header = try? FrameHeader(datagram: buffer.span.bytes.extracting(0..<length)) else { return nil }
      let opened = buffer.withUnsafeMutableBytes { memory in
        opener.open(unsafe: UnsafeMutableRawBufferPointer(rebasing: memory[..<length]), header: header)
      }
      guard case .opened = opened else { return nil }
      var reader = ByteReader(buffer.span.bytes.extracting(32..<length - 16))
      let prefix = header.type == .data ? try? DataPrefix(&reader, flags: header.flags) : nil
      return (header.type, header.stream, prefix, header.flags)
    }
  }

  @Test func everyPartGoesOnceAndInOrder() throws {
    var sender = try Sender(priorities: [4])
    sender.enqueue(9000, on: 0)
    var offset: UInt32 = 0
    var parts = 0
    while offset < 9016, let frame = sender.next() {
      let prefix = try #require(frame.prefix)
      #expect(prefix.message == 0 && prefix.offset == offset)
      #expect(frame.flags.contains(.messageBegin) == (offset == 0))
      parts += 1
      offset = sender.session.following.map { UInt32($0.part.offset) } ?? 9016
      #expect(frame.flags.contains(.messageEnd) == (offset == 9016))
    }
    #expect(offset == 9016 && parts == 8)
    #expect(sender.next() == nil)
  }

  @Test func whatIsMoreUrgentGoesBetween() throws {
    var sender = try Sender(priorities: [4, 0])
    sender.enqueue(9000, on: 0)
    #expect(sender.next()?.prefix?.offset == 0)
    #expect(sender.session.following != nil)
    #expect(sender.next()?.type == .data)
    sender.enqueue(50, on: 1)
    // One datagram of twenty goes to the less urgent first: this is not that one.
    sender.session.turn = 4
    #expect(sender.next()?.type == .bundle)
    #expect(sender.next()?.type == .data)
  }

  @Test func twoLargeMessagesOfEqualsTakeTurns() throws {
    var sender = try Sender(priorities: [4, 4])
    sender.enqueue(9000, on: 0)
    sender.enqueue(9000, on: 1)
    var streams: [UInt16] = []
    for _ in 0..<8 { if let frame = sender.next() { streams.append(frame.stream) } }
    #expect(streams == [1, 3, 1, 3, 1, 3, 1, 3] || streams == [3, 1, 3, 1, 3, 1, 3, 1], "\(streams)")
    #expect(sender.session.following == nil)
  }

  @Test func anotherTimeMeansAnotherLook() throws {
    var sender = try Sender(priorities: [4])
    sender.enqueue(9000, on: 0)
    _ = sender.next()
    #expect(sender.session.following != nil)
    sender.now = sender.now + .milliseconds(1)
    let found = sender.session.takeFollowing(sender.now, sender.outbox)
    #expect(found == nil && sender.session.following == nil)
  }
}
