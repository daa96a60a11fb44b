import STTBuffers
import STTSample

struct NothingLent: Error {}

/// `#require` for what can't be copied.
func lent(_ lease: consuming Lease?) throws -> Lease {
  guard let lease else { throw NothingLent() }
  return lease
}

/// Has no buffer and takes nothing.
struct NoOutlet: SourceOutlet, ~Copyable {
  var events: [SourceEvent] = []
  mutating func lease(atLeast byteCount: Int) -> Lease? { nil }
  mutating func emit(_ output: consuming SourceOutput, comesAgain: Bool) -> Bool { false }
  mutating func report(_ event: SourceEvent) { events.append(event) }
}

/// Notes what passes and lets it go.
struct PictureOutlet: SourceOutlet, ~Copyable {
  let pool = BufferPool([SlabClass(byteCount: 256, count: 4)])
  var times: [SampleTime] = []
  var byteCounts: [Int] = []
  var events: [SourceEvent] = []

  mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }

  mutating func emit(_ output: consuming SourceOutput, comesAgain: Bool) -> Bool {
    if case .frame(let time, _, let body) = consume output {
      times.append(time)
      byteCounts.append(body.count)
    }
    return true
  }

  mutating func report(_ event: SourceEvent) { events.append(event) }
}
