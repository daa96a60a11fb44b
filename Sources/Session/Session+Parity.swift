import BasicContainers
import STTWire

/// Sending under parity (docs/protocol.md 2.15): each frame in a datagram of its own, so that one lost
/// datagram is one lost shard.
extension Session {
  /// Whether `stream` sends its frames under parity now.
  func covers(_ stream: Int, outbox: inout Outbox) -> Bool {
    let place = outbox.streams[stream].parityPlace
    guard place >= 0 else { return false }
    return outbox.parities[place].decide(
      deadline: outbox.streams[stream].deadline, roundTrip: roundTrip.hasSample ? roundTrip.smoothed : nil,
      loss: lossShare.value)
  }

  /// Message bytes of one frame under parity: the parity frame is the larger one, and must fit.
  func coveredCapacity(pads: Bool) -> Int {
    let largest = ParityPrefix.largestShard + ParityPrefix.codedLengthByteCount + ParityPrefix.byteCount
    let room = datagramByteCount - SealedDatagram.overheadByteCount - (pads ? BundledFrame.headByteCount : 0)
    return min(room, largest) - Self.coveredOverhead
  }

  /// Count, index, coded length and flags, and what a part begins with.
  private static let coveredOverhead =
    ParityPrefix.byteCount + ParityPrefix.codedLengthByteCount + 1 + DataPrefix.partByteCount

  /// Sends `part` alone, and adds it to the stream's block.
  mutating func sendCovered(
    _ part: OutgoingPart, _ stream: Int, into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime,
    outbox: inout Outbox
  ) -> Int {
    let place = outbox.streams[stream].parityPlace
    let total = outbox.streams[stream].message(part.message).byteCount
    var flags: FrameFlags = []
    if part.offset == 0 { flags.insert(.messageBegin) }
    if part.offset + part.count == total { flags.insert(.messageEnd) }
    let shard = outbox.parities[place].shardMemory()
    var writer = ByteWriter(unsafe: shard)
    writer.u8(flags.packed)
    DataPrefix(message: part.message, total: UInt32(total), offset: UInt32(part.offset)).write(&writer, flags: flags)
    let body = outbox.gather(stream, part, &writer)
    writer.bytes(unsafe: body)
    precondition(!writer.overflowed, "a part under parity fits a shard")
    var packet = SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .fragment)
    packet.stream = UInt16(stream)
    packet.message = part.message
    packet.offset = UInt32(part.offset)
    packet.count = UInt32(part.count)
    let sequence = outbox.takeCoveredSequence(stream)
    let length = sendAlone(
      UnsafeRawBufferPointer(rebasing: shard[1..<writer.count]), prefix: { _ in }, flags, stream, sequence: sequence, packet,
      into: buffer, now, outbox: &outbox)
    outbox.parities[place].add(byteCount: writer.count, now: now, wait: parityWait(outbox.streams[stream].deadline))
    outbox.partSent(stream, part)
    return length
  }

  /// Nanoseconds a block waits for more: a share of what is left when half a round trip is over, or of the
  /// round trip for a stream without deadline.
  private func parityWait(_ deadline: UInt64?) -> UInt64 {
    guard let deadline else { return max(roundTrip.smoothed / 4, RoundTrip.granularity) }
    let oneWay = roundTrip.hasSample ? roundTrip.smoothed / 2 : 0
    return max(min(deadline / 4, deadline > oneWay ? (deadline - oneWay) / 2 : 0), RoundTrip.granularity)
  }

  /// The next parity shard of a block that is full or waited long enough.
  mutating func sendParity(
    into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime, outbox: inout Outbox
  ) -> Int {
    var place = 0
    while place < outbox.parities.count {
      outbox.parities[place].closeIfDue(now)
      if outbox.parities[place].owed.isEmpty {
        parityDue = min(parityDue, outbox.parities[place].due)
      } else {
        let length = sendParity(of: place, into: buffer, now, outbox: &outbox)
        if length > 0 { return length }
      }
      place += 1
    }
    return 0
  }

  private mutating func sendParity(
    of place: Int, into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime, outbox: inout Outbox
  ) -> Int {
    let stream = outbox.parities[place].stream
    let room = coveredCapacity(pads: !outbox.streams[stream].padding.isNone) + Self.coveredOverhead
    let first = (outbox.streams[stream].sequence &- 1) & ~ParityPrefix.sequenceMask
    // The path carries less than when the block began.
    guard ParityPrefix.byteCount + outbox.parities[place].codedByteCount <= room,
      let (prefix, coded) = outbox.parities[place].take()
    else {
      outbox.parities[place].abandon()
      return 0
    }
    var packet = SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .parity)
    packet.stream = UInt16(stream)
    statistics.paritySent += 1
    if outbox.parities[place].owed.isEmpty { outbox.beginBlock(stream) }
    return sendAlone(
      coded, prefix: { prefix.write(&$0) }, .parity, stream, sequence: first, packet, into: buffer, now, outbox: &outbox)
  }

  /// One DATA frame in a datagram of its own, or padded in a bundle of its own.
  private mutating func sendAlone(
    _ body: UnsafeRawBufferPointer, prefix: (inout ByteWriter) -> Void, _ flags: FrameFlags, _ stream: Int,
    sequence: UInt32, _ packet: SentPacket, into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime,
    outbox: inout Outbox
  ) -> Int {
    let id = outbox.streams[stream].id
    var writer = ByteWriter(unsafe: plaintext(buffer))
    guard !outbox.streams[stream].padding.isNone else {
      prefix(&writer)
      return seal(
        buffer, .data, flags: flags, stream: id, sequence: sequence, prefix: writer.count, body: body, tracked: packet, now)
    }
    let prefixByteCount = flags.contains(.parity) ? ParityPrefix.byteCount : 0
    BundledFrame(
      type: .data, flags: flags, stream: id, sequence: sequence, payloadByteCount: prefixByteCount + body.count
    ).write(&writer)
    prefix(&writer)
    writer.bytes(unsafe: body)
    pad(&writer, to: Padding.bucketByteCount)
    return seal(buffer, .bundle, prefix: writer.count, tracked: packet, now)
  }
}

extension Outbox {
  /// Whether the stream's next frame must wait for the parity of its last block.
  func owesParity(_ stream: Int) -> Bool {
    let place = streams[stream].parityPlace
    return place >= 0 && !parities[place].owed.isEmpty
  }

  mutating func takeCoveredSequence(_ stream: Int) -> UInt32 {
    if parities[streams[stream].parityPlace].dataCount == 0 { beginBlock(stream) }
    return takeSequence(stream)
  }

  /// Goes on at a multiple of 32: what comes now is of no block before, under parity or not.
  mutating func beginBlock(_ stream: Int) {
    streams[stream].sequence = (streams[stream].sequence &+ ParityPrefix.sequenceMask) & ~ParityPrefix.sequenceMask
  }

  mutating func abandonBlocks() {
    var place = 0
    while place < parities.count {
      parities[place].abandon()
      place += 1
    }
  }
}
