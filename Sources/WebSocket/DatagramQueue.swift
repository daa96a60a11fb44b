import DequeModule
package import NIOCore
import Synchronization

/// Datagrams on their way to a TCP connection, from whichever thread has them. Bounded: when TCP takes
/// them more slowly than they come, the oldest are dropped and counted, as a network would.
package final class DatagramQueue: Sendable {
  /// Enough for a burst; what a congestion controller keeps waiting is far less.
  package static let usualByteCount = 256 << 10
  /// What holding a datagram costs beside its bytes, so that tiny ones are bounded too.
  private static let overheadByteCount = 64

  private struct State: Sendable {
    var waiting = Deque<ByteBuffer>()
    var byteCount = 0
    var isDrainDue = false
    var dropped: UInt64 = 0
  }

  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter byteCount: what may wait, each datagram's overhead included.
  package init(byteCount: Int = usualByteCount) { limit = byteCount }

  /// Adds `datagram`. `true`: whoever drains must be told, since nobody did so after the last draining.
  package func push(_ datagram: ByteBuffer) -> Bool {
    state.withLock { state in
      let cost = datagram.readableBytes + Self.overheadByteCount
      guard cost <= limit else {
        state.dropped += 1
        return false
      }
      while state.byteCount + cost > limit, let oldest = state.waiting.popFirst() {
        state.byteCount -= oldest.readableBytes + Self.overheadByteCount
        state.dropped += 1
      }
      state.waiting.append(datagram)
      state.byteCount += cost
      defer { state.isDrainDue = true }
      return !state.isDrainDue
    }
  }

  /// Called by whoever drains, before it does.
  package func beginDraining() { state.withLock { $0.isDrainDue = false } }

  /// The oldest datagram, if any waits.
  package func pop() -> ByteBuffer? {
    state.withLock { state in
      guard let oldest = state.waiting.popFirst() else { return nil }
      state.byteCount -= oldest.readableBytes + Self.overheadByteCount
      return oldest
    }
  }

  /// Forgets everything that waits, and counts it as dropped.
  package func clear() {
    state.withLock { state in
      state.dropped += UInt64(state.waiting.count)
      state.waiting.removeAll()
      state.byteCount = 0
    }
  }

  /// Datagrams dropped so far.
  package var droppedCount: UInt64 { state.withLock { $0.dropped } }
}
