import LinuxEvents
import Logging
import STTBuffers
import STTRecorder
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
    #expect(!lane.hasRoom && !lane.hasRoomForEvents)
    // As soon as the recorder takes some, there is room for the next.
    for _ in 0..<10 { _ = lane.items.pop() }
    sink.note(RecordingEvent(kind: "moved"), device: 0, wall: 1)
    #expect(tally.skippedEvents == UInt64(count - lane.items.capacity + RecorderLane.slack / 2))
  }
}
