import LinuxEvents
import Logging
import STTBuffers
import STTRecorder
import STTSession
import STTWire
import Testing

@testable import STTCollectorRuntime

/// What a receive thread gives its recorder while that takes nothing.
@Suite struct RecordingSinkTests {
  private static func channel() throws -> RecorderChannel {
    try RecorderChannel(
      catalogue: CatalogueKeeper(root: "/nowhere", log: Logger(label: "test")), receivers: [try WakeupDescriptor()])
  }

  @Test func eventsWithoutRoomAreCountedAndHoldNobodyUp() throws {
    let channel = try Self.channel()
    let lane = channel.lanes[0]
    let tally = Tally(deviceCount: 1)
    var sink = RecordingSink(
      pool: BufferPool([SlabClass(byteCount: 262_144, count: 2)]), lane: lane, channel: channel, deviceNames: ["a"],
      largestMessage: 1000, tally: tally)
    let count = lane.items.capacity + 100
    for _ in 0..<count { sink.note(RecordingEvent(kind: "moved"), device: 0, wall: 1) }
    sink.flush()
    #expect(lane.items.count == lane.items.capacity - RecorderLane.slack / 2)
    #expect(tally.skippedEvents == UInt64(count - lane.items.count))
    #expect(!lane.hasRoom && !lane.hasRoomToGoOn)
    // As soon as the recorder takes some, there is room for the next.
    for _ in 0..<10 { _ = lane.items.pop() }
    sink.note(RecordingEvent(kind: "moved"), device: 0, wall: 1)
    #expect(tally.skippedEvents == UInt64(count - lane.items.capacity + RecorderLane.slack / 2))
  }

  /// A sink with one stream, whose token this answers.
  private static func opened(_ sink: inout RecordingSink) throws -> Int {
    sink.prepare()
    let admission = sink.opened(
      StreamOpen(
        largestMessage: 1000, delivery: .reliable, durability: .periodic, priority: 0, deadlineMilliseconds: 0,
        uid: StreamUID(high: 1, low: 1), incarnation: 1, firstMessage: 0, name: "s", schemaEncoding: "", schemaName: "",
        schemaData: [], purpose: "main"))
    return try #require(admission).token
  }

  @Test("tens of thousands of small messages from one datagram are kept, as long as the sink says that it has room")
  func smallMessagesFillOneBatchAfterTheOther() throws {
    let channel = try Self.channel()
    let pool = BufferPool([SlabClass(byteCount: 262_144, count: 4)])
    var sink = RecordingSink(
      pool: pool, lane: channel.lanes[0], channel: channel, deviceNames: ["a"], largestMessage: 1000,
      tally: Tally(deviceCount: 1))
    let token = try Self.opened(&sink)
    sink.prepare()
    let payload = [UInt8](repeating: 7, count: 64)
    var number: UInt64 = 0
    while sink.isAccepting, number < 100_000 {
      sink.deliver(
        token: token, number: number, time: MessageTime(monotonicNanoseconds: 1, wallNanoseconds: 2),
        payload: payload.span.bytes)
      number += 1
    }
    // Four batches of 262,144 bytes, and each is left while the largest payload still fits.
    #expect(number > 7000 && number < 10_080)
    var recorded: UInt64 = 0
    while let item = channel.lanes[0].items.pop() {
      guard case .batch(let lease) = consume item else { continue }
      var cursor = 0
      DeliveryBatch.forEach(lease, from: &cursor) { head, _ in
        #expect(head.number == recorded)
        recorded += 1
        return true
      }
    }
    #expect(recorded == number)
    sink.prepare()
    let isAccepting = sink.isAccepting
    #expect(isAccepting)
  }

  @Test func largeMessagesLeaveRoomInTheRing() throws {
    let channel = try Self.channel()
    let lane = channel.lanes[0]
    let pool = BufferPool([
      SlabClass(byteCount: 32, count: lane.items.capacity), SlabClass(byteCount: 262_144, count: 2),
    ])
    var sink = RecordingSink(
      pool: pool, lane: lane, channel: channel, deviceNames: ["a"], largestMessage: 1000, tally: Tally(deviceCount: 1))
    let token = try Self.opened(&sink)
    sink.prepare()
    var number: UInt64 = 0
    while sink.isAccepting, var lease = sink.lease(atLeast: 32) {
      lease.count = 32
      sink.deliver(
        token: token, number: number, time: MessageTime(monotonicNanoseconds: 1, wallNanoseconds: 2), message: lease)
      number += 1
    }
    #expect(lane.items.capacity - lane.items.count == RecorderLane.slack / 2)
    sink.prepare()
    let isAccepting = sink.isAccepting
    #expect(!isAccepting)
  }
}
