import LinuxEvents
import STTBuffers
import STTSample
import Synchronization

/// A source thread's way to the session: buffers from the agent's pool, outputs into a bounded ring.
///
/// Policy when the ring or the pool is full: the newest output is dropped and counted, and the next
/// one that gets through is preceded by a gap event.
struct RingOutlet: SourceOutlet, ~Copyable {
  private let pool: BufferPool
  private let ring: Ring<SourceItem>
  private let wakeup: WakeupDescriptor
  private let counters: SourceCounters
  private let link: LinkFigures
  /// Which of the thread's streams the calls concern.
  var stream = 0
  private var unreported: UInt64 = 0

  init(pool: BufferPool, ring: Ring<SourceItem>, wakeup: WakeupDescriptor, counters: SourceCounters, link: LinkFigures) {
    self.pool = pool
    self.ring = ring
    self.wakeup = wakeup
    self.counters = counters
    self.link = link
  }

  var load: LinkLoad {
    LinkLoad(
      targetBitsPerSecond: link.target.load(ordering: .relaxed),
      waitingByteCount: link.waiting.load(ordering: .relaxed))
  }

  mutating func lease(atLeast byteCount: Int) -> Lease? {
    if let lease = pool.lease(atLeast: byteCount) { return lease }
    counters.refusedLeases.wrappingAdd(1, ordering: .relaxed)
    return nil
  }

  mutating func emit(_ output: consuming SourceOutput, comesAgain: Bool) -> Bool {
    if unreported > 0 {
      // A closure, not a second call: the event and its count must go together or not at all.
      let event = SourceEvent.gap(count: unreported, reason: "the queue to the session was full")
      if ring.push(.event(stream: stream, event)) == nil { unreported = 0 }
    }
    guard ring.push(.output(stream: stream, output)) == nil else {
      if !comesAgain {
        unreported += 1
        counters.dropped.wrappingAdd(1, ordering: .relaxed)
      }
      return false
    }
    wakeup.signal()
    return true
  }

  mutating func report(_ event: SourceEvent) {
    if ring.push(.event(stream: stream, event)) == nil { wakeup.signal() }
  }
}

/// What the session's thread tells the sources' threads of the link.
final class LinkFigures: Sendable {
  /// Bits a second for one camera; 0: unknown.
  let target = Atomic<UInt64>(0)
  /// Bytes that are not acknowledged.
  let waiting = Atomic<UInt64>(0)
}

/// What goes wrong between a source and the session, counted for the status page.
final class SourceCounters: Sendable {
  /// Outputs the ring had no room for.
  let dropped = Atomic<UInt64>(0)
  /// Requests the pool could not serve.
  let refusedLeases = Atomic<UInt64>(0)
}
