import LinuxEvents
import STTBuffers
import STTIngest
import STTSession
import STTWire

/// Counts messages and lets them go.
struct CountingSink: CollectorSink, ~Copyable {
  let pool: BufferPool
  private var count: UInt64 = 0
  private var bytes: UInt64 = 0
  /// Nanoseconds from a message's time; both ends share a clock. 0: none.
  private let deadline: UInt64
  private let unsteadyMessageCount: UInt64
  private(set) var onTime: UInt64 = 0
  /// How old messages were when they came; only asked of a run that paces them.
  private(set) var ages: Lateness?

  init(pool: BufferPool, _ plan: BenchPlan) {
    self.pool = pool
    deadline = UInt64(plan.deadlineMilliseconds) * 1_000_000
    unsteadyMessageCount = plan.unsteadyMessageCount
    ages = plan.measuresAges ? Lateness() : nil
  }

  private mutating func note(_ number: UInt64, _ time: MessageTime, _ byteCount: Int) {
    count += 1
    bytes += UInt64(byteCount)
    guard deadline > 0 || ages != nil, number >= unsteadyMessageCount else { return }
    let now = Clocks.monotonic
    if deadline > 0, now <= time.monotonicNanoseconds &+ deadline { onTime += 1 }
    ages?.note(now >= time.monotonicNanoseconds ? now - time.monotonicNanoseconds : 0)
  }

  mutating func takeCount() -> UInt64 {
    defer { count = 0 }
    return count
  }

  mutating func takeBytes() -> UInt64 {
    defer { bytes = 0 }
    return bytes
  }

  var isAccepting: Bool { true }
  mutating func select(peer: Int, session: Int) {}
  mutating func opened(_ open: StreamOpen) -> StreamAdmission? { StreamAdmission(token: 0, position: 0, durable: 0) }
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {
    note(number, time, payload.byteCount)
  }
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {
    note(number, time, message.count - MessageTime.byteCount)
  }
  mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {}
  mutating func ended(token: Int, end: UInt64) {}
  mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }
}

/// What a sender hears: nothing.
struct NoStreams: MessageSink, ~Copyable {
  mutating func opened(_ open: StreamOpen) -> StreamAdmission? { nil }
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {}
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {}
  mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {}
  mutating func ended(token: Int, end: UInt64) {}
  var isAccepting: Bool { false }
  mutating func lease(atLeast byteCount: Int) -> Lease? { nil }
}
