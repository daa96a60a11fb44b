import BasicContainers
import DequeModule
import STTWire

/// What is not worth sending any more: messages whose deadline passed, and those a newer one replaces.
extension Outbox {
  /// Gives up every message of a PARTIAL stream whose deadline has passed and that the peer does not
  /// have. The deadline counts from the message's own monotonic time.
  mutating func expire(_ now: MonotonicTime) {
    guard nextExpiry <= now else { return }
    nextExpiry = .never
    for index in 0..<streams.count {
      guard let deadline = streams[index].deadline else { continue }
      var number = max(streams[index].delivered, streams[index].first)
      while number < streams[index].end {
        let message = streams[index].message(number)
        if !message.isCancelled {
          let due = Self.expiry(message, deadline)
          guard due <= now else {
            nextExpiry = min(nextExpiry, due)
            break
          }
          cancel(index, number)
        }
        number += 1
      }
    }
  }

  static func expiry(_ message: OutgoingMessage, _ deadline: UInt64) -> MonotonicTime {
    let (due, overflow) = message.time.monotonicNanoseconds.addingReportingOverflow(deadline)
    return overflow ? .never : MonotonicTime(nanoseconds: due)
  }

  /// When the oldest undelivered message of `stream` stops being wanted.
  func urgency(_ stream: Int) -> MonotonicTime {
    guard let deadline = streams[stream].deadline, streams[stream].holds(streams[stream].delivered) else { return .never }
    return Self.expiry(streams[stream].message(streams[stream].delivered), deadline)
  }

  /// A LATEST stream's newest message replaces all that have not begun to leave.
  mutating func supersede(_ stream: Int) {
    let newest = streams[stream].end - 1
    let begun = streams[stream].nextOffset > 0 ? streams[stream].next + 1 : streams[stream].next
    var number = max(begun, streams[stream].first)
    while number < newest {
      if !streams[stream].message(number).isCancelled { cancel(stream, number) }
      number += 1
    }
    if streams[stream].nextOffset == 0 { streams[stream].next = max(streams[stream].next, newest) }
    release(stream)
  }

  /// Lets go of a message's bytes; its number stays.
  private mutating func cancel(_ stream: Int, _ number: UInt64) {
    let place = Int(number - streams[stream].first)
    let message = streams[stream].queue[place]
    forget(message)
    if streams[stream].isOrdered, number < streams[stream].next { settle(stream, -message.byteCount) }
    streams[stream].queue[place].bodySlot = -1
    streams[stream].queue[place].headSlot = -1
    streams[stream].droppedCount += 1
    if number == streams[stream].next {
      streams[stream].nextOffset = 0
      streams[stream].next += 1
    }
  }
}
