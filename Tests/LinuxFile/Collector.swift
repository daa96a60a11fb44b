import Glibc
import STTBuffers
import STTSample

/// Keeps what a source hands on, and can refuse as a busy agent does.
struct Collector: SourceOutlet, ~Copyable {
  struct Message: Equatable {
    var time: SampleTime
    var payload: [UInt8]
    var isFrame = false

    var text: String { String(decoding: payload, as: UTF8.self) }
  }

  let pool: BufferPool
  var messages: [Message] = []
  var events: [SourceEvent] = []
  var outputs = 0
  /// How many of the next leases and outputs are refused.
  var refusedLeases = 0
  var refusedOutputs = 0
  var dropped = 0

  init(
    _ pool: BufferPool = BufferPool([SlabClass(byteCount: 16_384, count: 8), SlabClass(byteCount: 4 << 20, count: 3)])
  ) {
    self.pool = pool
  }

  mutating func lease(atLeast byteCount: Int) -> Lease? {
    if refusedLeases > 0 {
      refusedLeases -= 1
      return nil
    }
    return pool.lease(atLeast: byteCount)
  }

  mutating func emit(_ output: consuming SourceOutput, comesAgain: Bool) -> Bool {
    if refusedOutputs > 0 {
      refusedOutputs -= 1
      dropped += 1
      return false
    }
    outputs += 1
    switch consume output {
    case .batch(let lease):
      var layout = SampleBatchLayout()
      while let record = layout.next(in: lease) {
        let bytes = Self.copy(lease).dropFirst(record.offset).prefix(record.byteCount)
        messages.append(
          Message(
            time: SampleTime(
              monotonicNanoseconds: Self.number(bytes.prefix(8)),
              wallNanoseconds: Self.number(bytes.dropFirst(8).prefix(8))),
            payload: Array(bytes.dropFirst(16))))
      }
    case .frame(let time, let head, let body):
      var payload: [UInt8] = []
      if let head { payload = Self.copy(head) }
      payload += Self.copy(body)
      messages.append(Message(time: time, payload: payload, isFrame: true))
    }
    return true
  }

  mutating func report(_ event: SourceEvent) { events.append(event) }

  private static func copy(_ lease: borrowing Lease) -> [UInt8] { lease.bytes.withUnsafeBytes { Array($0) } }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension SampleTime {
  /// A moment of the tests' own clock.
  static func at(_ nanoseconds: UInt64) -> SampleTime {
    SampleTime(monotonicNanoseconds: nanoseconds, wallNanoseconds: 1_700_000_000_000_000_000 + nanoseconds)
  }
}

extension SourceEvent {
  var isGap: Bool {
    if case .gap = self { true } else { false }
  }
  var isUnavailable: Bool {
    if case .unavailable = self { true } else { false }
  }
}

extension SampleSource {
  /// Calls at each deadline until there is none, or `turns` times, with the clock at the deadline.
  @discardableResult
  func run(_ collector: inout Collector, from start: UInt64 = 1_000_000_000, turns: Int = 10_000) -> UInt64 {
    var now = start
    for _ in 0..<turns {
      produce(now: .at(now), into: &collector)
      guard let deadline else { break }
      now = max(now, deadline)
    }
    return now
  }
}
