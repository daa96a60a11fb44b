import BasicContainers
import DequeModule
import STTBuffers
import STTWire

/// Messages of one stream that come, leave or are let go of one behind the other: what holds for all of them is looked at once.
extension Outbox {
  /// Writes messages of `stream` that were never sent, each whole, as long as they fit and the receiver grants room. Does nothing
  /// where something of the stream goes first, or it is not delivered in order.
  ///
  /// - Parameter largest: bytes of a message, its time included, that may leave whole.
  /// - Returns: how many, from the one that was the next to send.
  mutating func writeRun(_ stream: Int, largest: Int, _ writer: inout ByteWriter) -> Int {
    let before = streams[stream].outstanding
    let count = streams[stream].writeRun(
      largest: largest, mostGap: mostGap, held: held, sessionOutstanding: outstanding, sessionWindow: sessionWindow, &writer)
    outstanding += streams[stream].outstanding - before
    return count
  }
}

extension OutgoingStream {
  fileprivate mutating func writeRun(
    largest: Int, mostGap: UInt64, held: borrowing HeldBuffers, sessionOutstanding: Int, sessionWindow: Int,
    _ writer: inout ByteWriter
  ) -> Int {
    guard isOrdered, nextOffset == 0, lost.isEmpty, next >= first, delivered + mostGap > next else { return 0 }
    let start = Int(next - first)
    let end = min(queue.count, start + Int(delivered + mostGap - next))
    var place = start
    var bytes = 0
    while place < end {
      let message = queue[place]
      let byteCount = message.byteCount
      let isGranted =
        outstanding + bytes == 0
        || outstanding + bytes + byteCount <= window && sessionOutstanding + bytes + byteCount <= sessionWindow
      guard !message.isCancelled, byteCount <= largest, isGranted, write(message, number: next, held, &writer) else { break }
      next += 1
      bytes += byteCount
      place += 1
    }
    outstanding += bytes
    return place - start
  }

  /// Writes `message` whole, as a frame of a bundle. `false`: there is no room, and nothing happened.
  mutating func write(
    _ message: OutgoingMessage, number: UInt64, _ held: borrowing HeldBuffers, _ writer: inout ByteWriter
  ) -> Bool {
    let payloadByteCount = message.byteCount - MessageTime.byteCount
    guard let memory = writer.reserve(BundledMessage.headByteCount + payloadByteCount) else { return false }
    BundledMessage.write(
      unsafe: memory, stream: id, sequence: sequence, number: number, time: message.time, payloadByteCount: payloadByteCount)
    held.copy(message, to: memory + BundledMessage.headByteCount)
    sequence &+= 1
    return true
  }
}

extension OutgoingStream {
  /// Adds every message `next` tells of, all lying in the lease `slot`; the caller sees to its references.
  mutating func append(
    of slot: Int32, _ held: borrowing HeldBuffers,
    _ next: (borrowing Lease) -> (time: MessageTime, offset: Int, byteCount: Int)?
  ) -> (count: Int, byteCount: Int) {
    var count = 0
    var byteCount = 0
    while let part = held.withLease(slot, next) {
      queue.append(
        OutgoingMessage(
          time: part.time, bodySlot: slot, bodyOffset: Int32(part.offset), bodyCount: Int32(part.byteCount)))
      count += 1
      byteCount += MessageTime.byteCount + part.byteCount
    }
    return (count, byteCount)
  }

  /// Lets go of messages nobody needs any more, and answers their bytes.
  mutating func release(from held: inout HeldBuffers) -> Int {
    let limit = min(releasable, next, end)
    guard first < limit else { return 0 }
    let count = Int(limit - first)
    var byteCount = 0
    // Neighbours mostly lie in the same buffer.
    var slot: Int32 = -1
    var references = 0
    for place in 0..<count {
      let message = queue[place]
      guard !message.isCancelled else { continue }
      byteCount += message.byteCount
      if message.headSlot >= 0 { held.release(message.headSlot) }
      if message.bodySlot != slot {
        if references > 0 { held.release(slot, by: references) }
        slot = message.bodySlot
        references = 0
      }
      references += 1
    }
    if references > 0 { held.release(slot, by: references) }
    queue.removeFirst(count)
    first = limit
    return byteCount
  }
}

extension HeldBuffers {
  /// Copies a message's head and body.
  fileprivate func copy(_ message: OutgoingMessage, to memory: UnsafeMutableRawPointer) {
    let headCount = Int(message.headCount)
    if message.headSlot >= 0 {
      memory.copyMemory(from: base(message.headSlot) + Int(message.headOffset), byteCount: headCount)
    }
    (memory + headCount).copyMemory(
      from: base(message.bodySlot) + Int(message.bodyOffset), byteCount: Int(message.bodyCount))
  }
}
