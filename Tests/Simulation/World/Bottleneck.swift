import STTSession
import STTWire

/// A narrow place: datagrams leave it one after the other and wait in a queue that has an end.
package final class Bottleneck {
  package struct Limits: Sendable {
    package var bitsPerSecond: UInt64
    /// Bytes that may wait; what comes beyond is dropped.
    package var queueByteCount: Int
    /// Waiting bytes above which a datagram is marked, if its sender reacts to marks.
    package var markingByteCount: Int?
  }

  /// Bytes one datagram costs on a limited link beside its own: IPv4 and UDP headers.
  static let packetOverhead = 28

  struct Queue {
    private var freeAt = MonotonicTime(nanoseconds: 0)

    mutating func pass(_ byteCount: Int, _ ecn: ECN, _ limits: Limits, now: MonotonicTime) -> Passage? {
      let rate = Double(limits.bitsPerSecond)
      let free = max(now, freeAt)
      let waiting = Double(free.since(now)) / 1e9 * rate / 8
      guard waiting + Double(byteCount) <= Double(limits.queueByteCount) else { return nil }
      freeAt = free + UInt64(Double((byteCount + Bottleneck.packetOverhead) * 8) / rate * 1e9)
      let isMarked = ecn != .notCapable && limits.markingByteCount.map { waiting > Double($0) } ?? false
      return Passage(leaves: freeAt, ecn: isMarked ? .congestion : ecn, waited: free.since(now))
    }
  }

  package let limits: Limits
  private var queue = Queue()
  package private(set) var dropCount = 0

  package init(_ limits: Limits) { self.limits = limits }

  func pass(_ byteCount: Int, _ ecn: ECN, now: MonotonicTime) -> Passage? {
    let passage = queue.pass(byteCount, ecn, limits, now: now)
    if passage == nil { dropCount += 1 }
    return passage
  }
}

/// How a datagram came out of a narrow place.
struct Passage {
  var leaves: MonotonicTime
  var ecn: ECN
  /// Nanoseconds it stood in the queue.
  var waited: UInt64 = 0
}
