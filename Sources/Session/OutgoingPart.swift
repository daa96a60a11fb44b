import BasicContainers
import DequeModule
import STTWire

/// What to send next of one stream.
struct OutgoingPart {
  var message: UInt64
  var offset: Int
  var count: Int
  /// The message in one piece, which fits a bundle.
  var isWhole: Bool
  /// Sent before, and lost.
  var isRepeat: Bool
}

extension Outbox {
  /// Whether the peer has been told of the stream, so that its messages make sense there.
  func isReady(_ stream: Int) -> Bool {
    switch streams[stream].opening {
    case .open: true
    case .sending(let next, let lost, _): next >= streams[stream].openBytes.count && lost.isEmpty
    }
  }

  /// The next part of `stream` to send, lost ones first; `nil` when there is none or the receiver
  /// grants no room.
  mutating func nextPart(_ stream: Int, partCapacity: Int) -> OutgoingPart? {
    while let range = streams[stream].lost.first {
      guard streams[stream].wants(range.message) else {
        streams[stream].lost.removeFirst()
        continue
      }
      let total = streams[stream].message(range.message).byteCount
      let offset = min(Int(range.offset), total)
      let count = min(Int(range.count), total - offset)
      let whole = offset == 0 && count == total && total <= partCapacity
      return OutgoingPart(
        message: range.message, offset: offset, count: min(count, partCapacity), isWhole: whole, isRepeat: true)
    }
    let nextOffset = Int(streams[stream].nextOffset)
    if nextOffset == 0 { skipCancelled(stream) }
    let number = streams[stream].next
    guard nextOffset > 0 || streams[stream].mayBeginNext(sessionRoom: sessionRoom, mostGap: mostGap) else { return nil }
    let total = streams[stream].message(number).byteCount
    if nextOffset == 0, total <= partCapacity - BundledFrame.headByteCount {
      return OutgoingPart(message: number, offset: 0, count: total, isWhole: true, isRepeat: false)
    }
    // Parts of equal size: a last one of a few bytes would cost as much as a full one.
    let parts = (total + partCapacity - 1) / partCapacity
    let even = (total + parts - 1) / parts
    return OutgoingPart(
      message: number, offset: nextOffset, count: min(even, total - nextOffset), isWhole: false, isRepeat: false)
  }

  private mutating func skipCancelled(_ stream: Int) {
    while streams[stream].next < streams[stream].end, streams[stream].message(streams[stream].next).isCancelled {
      streams[stream].next += 1
    }
  }

  /// A stream whose receiver waits for messages that were given up, and up to which; noted as told.
  mutating func takeSkip() -> (stream: Int, upTo: UInt64)? {
    for index in 0..<streams.count {
      guard isReady(index), let target = streams[index].skipTarget else { continue }
      streams[index].skipSent = target
      return (index, target)
    }
    return nil
  }

  /// Takes note that `part` went out.
  mutating func partSent(_ stream: Int, _ part: OutgoingPart) {
    if part.isRepeat {
      guard var range = streams[stream].lost.popFirst() else { return }
      let total = streams[stream].message(part.message).byteCount
      let wanted = min(Int(range.count), total - part.offset)
      if part.count < wanted {
        range.offset = UInt32(part.offset + part.count)
        range.count = UInt32(wanted - part.count)
        streams[stream].lost.prepend(range)
      }
      return
    }
    let total = streams[stream].message(part.message).byteCount
    if part.offset + part.count < total {
      streams[stream].nextOffset = UInt32(part.offset + part.count)
      return
    }
    streams[stream].next += 1
    streams[stream].nextOffset = 0
    if streams[stream].isOrdered {
      settle(stream, total)
    } else {
      release(stream)
    }
  }

  mutating func takeSequence(_ stream: Int) -> UInt32 {
    let sequence = streams[stream].sequence
    streams[stream].sequence = sequence &+ 1
    return sequence
  }

  /// Writes message `number` whole. `false`: there is no room.
  mutating func writeWhole(_ stream: Int, _ number: UInt64, _ writer: inout ByteWriter) -> Bool {
    streams[stream].write(streams[stream].message(number), number: number, held, &writer)
  }

  /// Copies the part's share of time and head behind what `writer` holds, and answers its share of
  /// the body where that lies, to be encrypted from there.
  func gather(_ stream: Int, _ part: OutgoingPart, _ writer: inout ByteWriter) -> UnsafeRawBufferPointer {
    let message = streams[stream].message(part.message)
    let end = part.offset + part.count
    let headStart = MessageTime.byteCount
    let bodyStart = headStart + Int(message.headCount)
    if part.offset < headStart {
      var time = (message.time.monotonicNanoseconds.littleEndian, message.time.wallNanoseconds.littleEndian)
      withUnsafeBytes(of: &time) { bytes in
        writer.bytes(unsafe: UnsafeRawBufferPointer(rebasing: bytes[part.offset..<min(end, headStart)]))
      }
    }
    if message.headSlot >= 0, part.offset < bodyStart, end > headStart {
      let from = max(part.offset, headStart) - headStart
      let to = min(end, bodyStart) - headStart
      writer.bytes(
        unsafe: UnsafeRawBufferPointer(
          start: held.base(message.headSlot) + Int(message.headOffset) + from, count: to - from))
    }
    guard end > bodyStart else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let from = max(part.offset, bodyStart) - bodyStart
    return UnsafeRawBufferPointer(
      start: held.base(message.bodySlot) + Int(message.bodyOffset) + from, count: end - bodyStart - from)
  }

  /// Streams the peer has not confirmed yet.
  var unopenedCount: Int {
    var count = 0
    for index in 0..<streams.count {
      if case .sending = streams[index].opening { count += 1 }
    }
    return count
  }

  /// The offset of a part of `stream`'s STREAM_OPEN to send now, noted as sent.
  mutating func takeOpenPart(_ stream: Int, partByteCount: Int) -> Int? {
    guard case .sending(let next, var lost, let unacknowledged) = streams[stream].opening else { return nil }
    if let offset = lost.popLast() {
      streams[stream].opening = .sending(next: next, lost: lost, unacknowledged: unacknowledged + 1)
      return offset
    }
    guard next < streams[stream].openBytes.count else { return nil }
    streams[stream].opening = .sending(
      next: next + partByteCount, lost: lost, unacknowledged: unacknowledged + 1)
    return next
  }

  /// A stream whose messages are all acknowledged and whose end is still to be told.
  mutating func takeEnd() -> Int? {
    for index in 0..<streams.count
    where streams[index].isFinishing && !streams[index].finSent
      && streams[index].queue.allSatisfy({ $0.isCancelled && streams[index].delivered >= streams[index].end })
    {
      guard case .open = streams[index].opening else { continue }
      streams[index].finSent = true
      return index
    }
    return nil
  }
}
