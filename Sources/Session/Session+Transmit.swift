import BasicContainers
import STC
import STTWire

extension Session {
  /// Writes the next datagram into `buffer` and answers its length; 0 when there is nothing to send
  /// now. Draining rule: after any input, call until 0.
  ///
  /// - Parameters:
  ///   - buffer: at least as many bytes as the largest datagram both ends agreed on.
  ///   - wall: nanoseconds since 1970; travels in KEEP_ALIVE alone.
  public mutating func transmit(
    into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime, wall: UInt64, outbox: inout Outbox
  ) -> Int {
    precondition(buffer.count >= path.limit, "a datagram needs its room")
    mark = .notCapable
    if let closing, !closingSent {
      closingSent = true
      let length = sendControl(into: buffer, .sessionClose, tracked: nil, now) { closing.write(&$0) }
      finish(.closed)
      return length
    }
    guard end == nil, changeKeys(now) else { return 0 }
    pacingBlocked = false
    parityDue = .never
    if acknowledgementIsDue(now) { return sendBundle(into: buffer, acknowledging: true, now, outbox: &outbox) }
    if now >= keepAliveDue { return sendKeepAlive(into: buffer, now, wall) }
    path.isWanted = outbox.streamCount > 0 && roundTrip.hasSample && !sent.isFull
    // One packet a search step: beyond the window, so that a full one does not stop the search.
    if let size = path.probe(now) { return sendPathProbe(into: buffer, size, now, wall) }
    guard !sent.isFull, mayAddToFlight(now) else { return 0 }
    if control.hasPart { return sendControlPart(into: buffer, now) }
    if holdsStreams {
      return probesOwed > 0 ? sendKeepAlive(into: buffer, now, wall) : 0
    }
    if let next = takeFollowing(now, outbox) {
      return sendFragment(next.part, of: next.total, next.stream, into: buffer, now, follows: true, outbox: &outbox)
    }
    let length = sendOpen(into: buffer, now, outbox: &outbox)
    if length > 0 { return length }
    outbox.expire(now)
    let skip = sendSkip(into: buffer, now, outbox: &outbox)
    if skip > 0 { return skip }
    let cover = sendCover(into: buffer, now, outbox: &outbox)
    if cover > 0 { return cover }
    let parity = sendParity(into: buffer, now, outbox: &outbox)
    if parity > 0 { return parity }
    let data = sendData(into: buffer, now, outbox: &outbox)
    if data > 0 { return data }
    let fin = sendEnd(into: buffer, now, outbox: &outbox)
    if fin > 0 { return fin }
    congestion.noteApplicationLimited()
    if probesOwed > 0 { return sendKeepAlive(into: buffer, now, wall) }
    return 0
  }

  private func acknowledgementIsDue(_ now: MonotonicTime) -> Bool {
    received.isDue(now: now) || streamAcknowledgementsDue || !keepAlivesOwed.isEmpty
  }

  private mutating func mayAddToFlight(_ now: MonotonicTime) -> Bool {
    if probesOwed > 0 { return true }
    // What blocks wakes us: the clock of a constant rate waits.
    coverDue = .never
    guard congestion.allows(datagramByteCount) else {
      return false
    }
    guard pacer.allows(now: now) else {
      pacingBlocked = true
      return false
    }
    return true
  }

  // MARK: sealing

  func plaintext(_ buffer: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      rebasing: buffer[
        SealedDatagram.additionalByteCount..<min(buffer.count, datagramByteCount) - SealedDatagram.tagByteCount])
  }

  /// Seals what lies in `buffer` and takes note of it.
  mutating func seal(
    _ buffer: UnsafeMutableRawBufferPointer, _ type: FrameType, flags: FrameFlags = [], stream: UInt16 = 0,
    sequence: UInt32 = 0, prefix: Int, body: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    tracked: SentPacket?, _ now: MonotonicTime
  ) -> Int {
    let length = SealedDatagram.overheadByteCount + prefix + body.count
    let header = FrameHeader(
      type: type, flags: flags, session: names.current, stream: stream, sequence: sequence,
      payloadByteCount: length - FrameHeader.byteCount)
    _ = sealer.seal(
      unsafe: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<length]), header: header, prefix: prefix, body: body)
    if var tracked {
      tracked.byteCount = Int32(length)
      // Probes of the path say nothing of marks, and marks nothing of them.
      if tracked.content != .probe, tracked.content != .pathProbe { mark = ecn.next(now) }
      tracked.isMarked = mark != .notCapable
      tracked.stamp = congestion.sent(length, now: now)
      lossShare.noteSent(now)
      sent.append(tracked)
      pacer.sent(length, datagram: datagramByteCount, nanosecondsPerByte: congestion.nanosecondsPerByte, now: now)
      lastElicitingSent = now
      if probesOwed > 0 { probesOwed -= 1 }
    } else {
      sent.append(nil)
    }
    lastSent = now
    // The responder keeps asking for the device's clocks; the initiator only breaks silence.
    if role == .initiator, type != .keepAlive { keepAliveDue = max(keepAliveDue, now + settings.keepAliveInterval) }
    statistics.packetsSent += 1
    statistics.bytesSent += UInt64(length)
    return length
  }

  private mutating func sendControl(
    into buffer: UnsafeMutableRawBufferPointer, _ type: FrameType, stream: UInt16 = 0, tracked: SentPacket?,
    _ now: MonotonicTime, _ write: (inout ByteWriter) -> Void
  ) -> Int {
    var writer = ByteWriter(unsafe: plaintext(buffer))
    write(&writer)
    precondition(!writer.overflowed, "control frames fit the smallest datagram")
    return seal(buffer, type, stream: stream, prefix: writer.count, tracked: tracked, now)
  }

  private mutating func sendKeepAlive(
    into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime, _ wall: UInt64
  ) -> Int {
    keepAliveToken = sealer.nextPacketNumber + 1
    keepAliveDue = now + settings.keepAliveInterval
    return sendChallenge(into: buffer, keepAliveToken, now, wall)
  }

  /// A KEEP_ALIVE that asks for `token` to be echoed.
  mutating func sendChallenge(
    into buffer: UnsafeMutableRawBufferPointer, _ token: UInt64, _ now: MonotonicTime, _ wall: UInt64
  ) -> Int {
    let frame = KeepAlive(
      token: token, sent: MessageTime(monotonicNanoseconds: now.nanoseconds, wallNanoseconds: wall))
    return sendControl(
      into: buffer, .keepAlive, tracked: SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .probe),
      now
    ) { frame.write(&$0) }
  }

  private mutating func sendControlPart(into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime) -> Int {
    guard let (type, part, bytes) = control.takePart() else { return 0 }
    var packet = SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .control)
    packet.message = UInt64(part.number)
    packet.offset = part.offset
    return sendControl(into: buffer, type, tracked: packet, now) {
      part.write(&$0)
      $0.bytes(Array(bytes))
    }
  }

  /// A KEEP_ALIVE padded to `size`: acknowledged, the path carries so much (RFC 8899 section 4.1).
  private mutating func sendPathProbe(
    into buffer: UnsafeMutableRawBufferPointer, _ size: Int, _ now: MonotonicTime, _ wall: UInt64
  ) -> Int {
    path.probeSent()
    let frame = KeepAlive(
      token: sealer.nextPacketNumber + 1,
      sent: MessageTime(monotonicNanoseconds: now.nanoseconds, wallNanoseconds: wall))
    var writer = ByteWriter(
      unsafe: UnsafeMutableRawBufferPointer(
        rebasing: buffer[SealedDatagram.additionalByteCount..<size - SealedDatagram.tagByteCount]))
    frame.write(&writer)
    writer.zeros(writer.room)
    return seal(
      buffer, .keepAlive, prefix: writer.count,
      tracked: SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .pathProbe), now)
  }

  // MARK: streams

  private mutating func sendOpen(
    into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime, outbox: inout Outbox
  ) -> Int {
    guard outbox.unopenedCount > 0 else { return 0 }
    for stream in outbox.schedule.order {
      guard let offset = outbox.takeOpenPart(stream, partByteCount: openPartByteCount) else { continue }
      let total = outbox.streams[stream].openBytes.count
      let end = min(total, offset + openPartByteCount)
      var packet = SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .open)
      packet.stream = UInt16(stream)
      packet.offset = UInt32(offset)
      let part = Array(outbox.streams[stream].openBytes[offset..<end])
      return sendControl(into: buffer, .streamOpen, stream: outbox.streams[stream].id, tracked: packet, now) {
        $0.u32(UInt32(total))
        $0.u32(UInt32(offset))
        $0.bytes(part)
      }
    }
    return 0
  }

  /// A STREAM_OPEN part is as large as the smallest datagram has room for behind `total | offset`, whatever the
  /// path carries: a part that is sent again must cover the one that was lost.
  private var openPartByteCount: Int { Int(smallestMaximumDatagram) - SealedDatagram.overheadByteCount - 8 }

  private mutating func sendSkip(
    into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime, outbox: inout Outbox
  ) -> Int {
    guard let (stream, upTo) = outbox.takeSkip() else { return 0 }
    let frame = Skip(upTo: upTo, reason: Skip.Reason.deadline.rawValue)
    var packet = SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .skip)
    packet.stream = UInt16(stream)
    return sendControl(into: buffer, .skip, stream: outbox.streams[stream].id, tracked: packet, now) {
      frame.write(&$0)
    }
  }

  private mutating func sendEnd(
    into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime, outbox: inout Outbox
  ) -> Int {
    guard let stream = outbox.takeEnd() else { return 0 }
    let frame = StreamEnd(reason: 0, end: outbox.streams[stream].end)
    var packet = SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .end)
    packet.stream = UInt16(stream)
    return sendControl(into: buffer, .streamFin, stream: outbox.streams[stream].id, tracked: packet, now) {
      frame.write(&$0)
    }
  }

  private mutating func sendData(
    into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime, outbox: inout Outbox
  ) -> Int {
    sendBundle(into: buffer, acknowledging: false, now, outbox: &outbox)
  }

  /// Packs acknowledgements and as many small messages as fit; a large message goes out in a
  /// datagram of its own.
  private mutating func sendBundle(
    into buffer: UnsafeMutableRawBufferPointer, acknowledging: Bool, _ now: MonotonicTime, outbox: inout Outbox
  ) -> Int {
    let space = plaintext(buffer)
    var writer = ByteWriter(unsafe: space)
    var packet = SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .bundle)
    if acknowledging {
      writeAcknowledgement(&writer, now)
      if peerCovers { incoming.repeatAcknowledgements() }
      packet.holdsStreamAcks = incoming.writeAcks(&writer) > 0 && !peerCovers
      writeKeepAliveAnswers(&writer, now)
    }
    let acknowledgementByteCount = writer.count
    // Acknowledgements go out whatever the window says; messages along with them only under it.
    if !holdsStreams, !acknowledging || (!sent.isFull && mayAddToFlight(now)) {
      turn &+= 1
      var visit = outbox.schedule.visit(turn)
      while let stream = outbox.nextInTurn(&visit) {
        guard outbox.isReady(stream), !outbox.streams[stream].padding.isConstantRate, !outbox.owesParity(stream) else {
          continue
        }
        let pads = !outbox.streams[stream].padding.isNone
        let covers = covers(stream, outbox: &outbox)
        let capacity =
          covers ? coveredCapacity(pads: pads) : pads ? partCapacity - BundledFrame.headByteCount : partCapacity
        while true {
          if !covers {
            let largest = capacity - BundledFrame.headByteCount
            let hasWritten = writeRun(stream, largest: largest, &writer, &packet, outbox: &outbox)
            if hasWritten, pads { packet.pads = true }
          }
          guard let part = outbox.nextPart(stream, partCapacity: capacity) else { break }
          if part.isWhole, !covers, part.count + Self.bundledOverhead <= writer.room {
            write(part, stream, &writer, &packet, outbox: &outbox)
            if pads { packet.pads = true }
            continue
          }
          if writer.count > 0 { return finish(&writer, packet, acknowledgementByteCount, buffer, now) }
          if covers { return sendCovered(part, stream, into: buffer, now, outbox: &outbox) }
          return pads
            ? sendPaddedFragment(part, stream, into: buffer, bucket: Padding.bucketByteCount, now, outbox: &outbox)
            : sendFragment(
              part, of: outbox.streams[stream].message(part.message).byteCount, stream, into: buffer, now, outbox: &outbox)
        }
      }
    }
    guard writer.count > 0 else { return 0 }
    return finish(&writer, packet, acknowledgementByteCount, buffer, now)
  }

  private mutating func finish(
    _ writer: inout ByteWriter, _ packet: SentPacket, _ acknowledgementByteCount: Int,
    _ buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime
  ) -> Int {
    let asks = packet.holdsStreamAcks || writer.count > acknowledgementByteCount
    if packet.pads {
      pad(&writer, to: Padding.bucketByteCount)
    } else if peerPads, writer.count == acknowledgementByteCount {
      pad(&writer, to: Padding.acknowledgementBucketByteCount)
    }
    return seal(buffer, .bundle, prefix: writer.count, tracked: asks ? packet : nil, now)
  }

  /// Bytes a small message costs beside its own.
  private static let bundledOverhead = BundledFrame.headByteCount + DataPrefix.wholeByteCount
  /// Message bytes one DATA datagram holds.
  private var partCapacity: Int { datagramByteCount - SealedDatagram.overheadByteCount - DataPrefix.partByteCount }

  mutating func write(
    _ part: OutgoingPart, _ stream: Int, _ writer: inout ByteWriter, _ packet: inout SentPacket, outbox: inout Outbox
  ) {
    let isWritten = outbox.writeWhole(stream, part.message, &writer)
    precondition(isWritten, "who adds a message to a bundle has seen that it fits")
    if outbox.streams[stream].open.delivery != .unreliable { note(stream, part.message, count: 1, &packet) }
    outbox.partSent(stream, part)
  }

  /// Writes what goes out as a run, if anything does.
  private mutating func writeRun(
    _ stream: Int, largest: Int, _ writer: inout ByteWriter, _ packet: inout SentPacket, outbox: inout Outbox
  ) -> Bool {
    let first = outbox.streams[stream].next
    let count = outbox.writeRun(stream, largest: largest, &writer)
    guard count > 0 else { return false }
    note(stream, first, count: count, &packet)
    return true
  }

  /// Takes note that a bundle holds these messages, to be sent again if it is lost.
  private mutating func note(_ stream: Int, _ first: UInt64, count: Int, _ packet: inout SentPacket) {
    let last = packet.runStart + UInt64(packet.runCount)
    if packet.runCount > 0, sent.extendRun(last - 1, UInt16(stream), from: first, by: count) { return }
    _ = sent.append(run: MessageRun(stream: UInt16(stream), count: UInt16(count), first: first))
    packet.runCount += 1
  }

  private mutating func sendFragment(
    _ part: OutgoingPart, of total: Int, _ stream: Int, into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime,
    follows: Bool = false, outbox: inout Outbox
  ) -> Int {
    var writer = ByteWriter(unsafe: plaintext(buffer))
    var flags: FrameFlags = []
    if part.offset == 0 { flags.insert(.messageBegin) }
    if part.offset + part.count == total { flags.insert(.messageEnd) }
    DataPrefix(message: part.message, total: UInt32(total), offset: UInt32(part.offset)).write(&writer, flags: flags)
    let body = outbox.gather(stream, part, &writer)
    var packet = SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .fragment)
    packet.stream = UInt16(stream)
    packet.message = part.message
    packet.offset = UInt32(part.offset)
    packet.count = UInt32(part.count)
    let length = seal(
      buffer, .data, flags: flags, stream: outbox.streams[stream].id, sequence: outbox.takeSequence(stream),
      prefix: writer.count, body: body, tracked: packet, now)
    outbox.partSent(stream, part)
    noteFollowing(part, of: total, stream, now, isCertain: follows, outbox)
    return length
  }

  // MARK: acknowledgements

  private mutating func writeAcknowledgement(_ writer: inout ByteWriter, _ now: MonotonicTime) {
    guard received.isPending, let largest = received.largest else { return }
    let base = received.reportBase
    let bitCount = Int(largest - base) + 1
    let byteCount = (bitCount + 7) / 8
    let counts = received.ecnCounts
    let frameByteCount = PacketAck.headByteCount + byteCount + (counts.isZero ? 0 : ECNCounts.byteCount)
    BundledFrame(type: .ack, stream: 0, payloadByteCount: frameByteCount).write(&writer)
    writer.u64(largest)
    writer.u32(UInt32(clamping: now.since(received.largestArrived) / 1000))
    writer.u64(base)
    writer.u16(UInt16(bitCount))
    var left = byteCount
    var word = base >> 6
    while left > 0 {
      let bits = opener.window.word(word)
      if left >= 8 {
        writer.u64(bits)
      } else {
        for byte in 0..<left { writer.u8(UInt8(truncatingIfNeeded: bits >> UInt64(8 * byte))) }
      }
      left -= 8
      word += 1
    }
    if !counts.isZero { counts.write(&writer) }
    received.acknowledged()
  }

  private mutating func writeKeepAliveAnswers(_ writer: inout ByteWriter, _ now: MonotonicTime) {
    for var answer in keepAlivesOwed where writer.room >= BundledFrame.headByteCount + KeepAliveAck.byteCount {
      answer.repliedMonotonicNanoseconds = now.nanoseconds
      BundledFrame(type: .keepAliveAck, stream: 0, payloadByteCount: KeepAliveAck.byteCount).write(&writer)
      answer.write(&writer)
    }
    keepAlivesOwed.removeAll(keepingCapacity: true)
  }

  // MARK: keys

  /// Ratchets when it is time. `false`: the key is used up and could not be changed.
  private mutating func changeKeys(_ now: MonotonicTime) -> Bool {
    let isDue =
      sealer.packetsUnderKey >= keys.packets || sealer.bytesUnderKey >= KeyUse.bytes
      || now.since(keys.since) >= KeyUse.age || isBehindPeer
    guard isDue else { return true }
    if hybrid.isOpen { return sealer.packetsUnderKey < keys.hardPackets || giveUpKey() }
    // Not twice before the peer has shown that it followed (docs/protocol.md 2.11).
    if sealer.packetsUnderKey > 0, let acknowledged = sent.largestAcknowledged, acknowledged >= keys.firstPacket {
      sealer.ratchet()
      keys.firstPacket = sealer.nextPacketNumber
      keys.since = now
      statistics.ratchets += 1
      return true
    }
    return sealer.packetsUnderKey < keys.hardPackets || giveUpKey()
  }

  /// Whether the peer has changed its key more often, or should be made to: it follows our step as we follow its own.
  private var isBehindPeer: Bool {
    opener.steps &+ (opener.failuresUnderKey >= keys.failures ? 1 : 0) > statistics.ratchets
  }

  private mutating func giveUpKey() -> Bool {
    finish(.keyLimit)
    return false
  }
}
