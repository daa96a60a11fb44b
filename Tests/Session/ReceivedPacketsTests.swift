import STTWire
import Testing

@testable import STTSession

/// When what arrived is acknowledged.
@Suite struct ReceivedPacketsTests {
  private struct Receiver {
    var received = ReceivedPackets()
    var now = MonotonicTime(nanoseconds: 1_000_000_000)
    var number: UInt64 = 0
    var roundTrip: UInt64? = 200_000

    mutating func take(byteCount: Int = 100, after microseconds: UInt64, gap: UInt64 = 0) {
      now = now + microseconds * 1000
      number += 1 + gap
      received.note(
        number, .notCapable, byteCount: byteCount, urgency: .prompt, now: now, delay: .milliseconds(25),
        roundTrip: roundTrip)
    }

    /// Packets up to and with the one that is to be answered at once.
    mutating func untilAnswered(byteCount: Int = 100, every microseconds: UInt64) -> Int {
      var count = 0
      repeat {
        take(byteCount: byteCount, after: microseconds)
        count += 1
      } while !received.isDue(now: now) && count < 100
      received.acknowledged()
      return count
    }

    mutating func settle() {
      for _ in 0..<ReceivedPackets.settling { take(after: 100) }
      received.acknowledged()
    }
  }

  @Test func everySecondOneAtFirstAndTheTenthOnceNoneWasMissingForAWhile() {
    var receiver = Receiver()
    var answered: [Int] = []
    for _ in 0..<80 { answered.append(receiver.untilAnswered(every: 100)) }
    #expect(answered.prefix(63).allSatisfy { $0 == 2 } && answered.suffix(16).allSatisfy { $0 == 10 }, "\(answered)")
    // What is missing is told at once, and from then on every second one again.
    receiver.take(after: 100, gap: 1)
    #expect(receiver.received.isDue(now: receiver.now))
    receiver.received.acknowledged()
    #expect(receiver.untilAnswered(every: 100) == 2)
  }

  @Test(arguments: [
    (10, 100, 10), (120, 100, 10), (130, 100, 2), (5000, 100, 2), (100, 1400, 10), (100, 2000, 9), (100, 60_000, 2),
  ])
  func moreIsAwaitedWhereItComesSoonAndIsNotMuch(microseconds: UInt64, byteCount: Int, count: Int) {
    var receiver = Receiver()
    receiver.settle()
    #expect(receiver.untilAnswered(byteCount: byteCount, every: microseconds) == count)
  }

  @Test(arguments: [(nil, 25_000), (200_000, 1000), (40_000_000, 10_000), (400_000_000, 25_000)] as [(UInt64?, UInt64)])
  func whoeverSendsTwoAndWaitsIsAnsweredAfterAQuarterOfARoundTrip(roundTrip: UInt64?, microseconds: UInt64) {
    var receiver = Receiver(roundTrip: roundTrip)
    receiver.settle()
    receiver.take(after: 100)
    receiver.take(after: 0)
    // Without a round trip nobody knows how long two may wait.
    #expect(receiver.received.isDue(now: receiver.now) == (roundTrip == nil))
    let due = receiver.received.dueAt?.since(receiver.now)
    #expect(due == microseconds * 1000)
  }

  @Test func oneAloneWaitsAsLongAsWasPromised() {
    var receiver = Receiver()
    receiver.settle()
    receiver.take(after: 100)
    let due = receiver.received.dueAt?.since(receiver.now)
    #expect(due == .milliseconds(25))
    #expect(!receiver.received.isDue(now: receiver.now))
  }
}
