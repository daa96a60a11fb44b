import LinuxEvents
import STTBuffers
import Synchronization
import Testing

@Suite struct WakeupTests {
  @Test func manySignalsAreOneWakeup() throws {
    let poller = try PollerBox()
    let wakeup = try WakeupDescriptor()
    try poller.add(wakeup.descriptor, .readable, token: 1)
    #expect(try poller.wait(until: 0) == [:])
    for _ in 0..<1_000 { wakeup.signal() }
    #expect(try poller.wait(until: .max) == [1: .readable])
    wakeup.clear()
    #expect(try poller.wait(until: 0) == [:])
  }

  @Test func aSignalAfterTheClearingWakesAgain() throws {
    let poller = try PollerBox()
    let wakeup = try WakeupDescriptor()
    try poller.add(wakeup.descriptor, .readable, token: 1)
    wakeup.clear()
    for _ in 0..<3 {
      wakeup.signal()
      #expect(try poller.wait(until: .max) == [1: .readable])
      wakeup.clear()
    }
    #expect(try poller.wait(until: 0) == [:])
  }

  /// A lost wake-up leaves elements in the ring and the consumer asleep: it gives up after ten seconds.
  @Test func noElementHandedOverBeforeASignalIsMissed() throws {
    let count = 100_000
    let ring = Ring<Int>(capacity: 8)
    let wakeup = try WakeupDescriptor()
    let isAbandoned = Abandoned()
    let producer = try WorkerThread(name: "producer") {
      var next = 0
      while next < count, !isAbandoned.flag.load(ordering: .relaxed) {
        if ring.push(next) == nil {
          next += 1
          wakeup.signal()
        }
      }
    }
    let poller = try PollerBox()
    try poller.add(wakeup.descriptor, .readable, token: 1)
    var expected = 0
    while expected < count {
      guard try !poller.wait(until: Clocks.monotonic + 10_000_000_000).isEmpty else { break }
      wakeup.clear()
      while let element = ring.pop() {
        #expect(element == expected)
        expected += 1
      }
    }
    isAbandoned.flag.store(true, ordering: .relaxed)
    producer.join()
    #expect(expected == count)
  }

  private final class Abandoned: Sendable {
    let flag = Atomic(false)
  }
}
