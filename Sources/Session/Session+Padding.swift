import BasicContainers
import STTWire

/// Datagrams whose sizes and times say little (docs/protocol.md 2.15).
extension Session {
  /// Stream acknowledgements that wait for no packet to be answered.
  var streamAcknowledgementsDue: Bool { incoming.acknowledgementsDue && !peerCovers }

  /// Zeros up to the next multiple of `bucket` bytes of datagram, as far as there is room.
  func pad(_ writer: inout ByteWriter, to bucket: Int) {
    let length = SealedDatagram.overheadByteCount + writer.count
    writer.zeros(min(writer.room, (length + bucket - 1) / bucket * bucket - length))
  }

  /// A part of a message inside a bundle, where its stream and length can't be seen.
  mutating func sendPaddedFragment(
    _ part: OutgoingPart, _ stream: Int, into buffer: UnsafeMutableRawBufferPointer, bucket: Int, _ now: MonotonicTime,
    outbox: inout Outbox
  ) -> Int {
    var writer = ByteWriter(unsafe: plaintext(buffer))
    let total = outbox.streams[stream].message(part.message).byteCount
    var flags: FrameFlags = []
    if part.offset == 0 { flags.insert(.messageBegin) }
    if part.offset + part.count == total { flags.insert(.messageEnd) }
    let prefixByteCount =
      flags.isSuperset(of: .wholeMessage) ? DataPrefix.wholeByteCount : DataPrefix.partByteCount
    BundledFrame(
      type: .data, flags: flags, stream: outbox.streams[stream].id, sequence: outbox.takeSequence(stream),
      payloadByteCount: prefixByteCount + part.count
    ).write(&writer)
    DataPrefix(message: part.message, total: UInt32(total), offset: UInt32(part.offset)).write(&writer, flags: flags)
    let body = outbox.gather(stream, part, &writer)
    writer.bytes(unsafe: body)
    pad(&writer, to: bucket)
    var packet = SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .fragment)
    packet.stream = UInt16(stream)
    packet.message = part.message
    packet.offset = UInt32(part.offset)
    packet.count = UInt32(part.count)
    let length = seal(buffer, .bundle, prefix: writer.count, tracked: packet, now)
    outbox.partSent(stream, part)
    return length
  }

  /// The datagram a stream of constant rate sends now: messages if there are any, and padding.
  mutating func sendCover(
    into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime, outbox: inout Outbox
  ) -> Int {
    guard !outbox.coverStreams.isEmpty else { return 0 }
    coverDue = .never
    for stream in outbox.coverStreams {
      guard case .constantRate(let interval) = outbox.streams[stream].padding, outbox.isReady(stream) else { continue }
      guard outbox.streams[stream].coverDue <= now else {
        coverDue = min(coverDue, outbox.streams[stream].coverDue)
        continue
      }
      // Late ones are left out: a burst would tell that something was held up.
      let due = outbox.streams[stream].coverDue + interval
      outbox.setCoverDue(stream, due > now ? due : now + interval)
      coverDue = .init(nanoseconds: 0)
      return sendCover(of: stream, into: buffer, now, outbox: &outbox)
    }
    return 0
  }

  private mutating func sendCover(
    of stream: Int, into buffer: UnsafeMutableRawBufferPointer, _ now: MonotonicTime, outbox: inout Outbox
  ) -> Int {
    let space = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, Padding.coverByteCount)])
    var writer = ByteWriter(
      unsafe: UnsafeMutableRawBufferPointer(
        rebasing: space[SealedDatagram.additionalByteCount..<space.count - SealedDatagram.tagByteCount]))
    var packet = SentPacket(sent: now, runStart: sent.runs.end, byteCount: 0, content: .bundle)
    let capacity = writer.room - BundledFrame.headByteCount - DataPrefix.partByteCount
    while let part = outbox.nextPart(stream, partCapacity: capacity) {
      if part.isWhole, part.count + BundledFrame.headByteCount + DataPrefix.wholeByteCount <= writer.room {
        write(part, stream, &writer, &packet, outbox: &outbox)
        continue
      }
      if writer.count > 0 { break }
      return sendPaddedFragment(
        part, stream, into: space, bucket: Padding.coverByteCount, now, outbox: &outbox)
    }
    writer.zeros(writer.room)
    return seal(buffer, .bundle, prefix: writer.count, tracked: packet, now)
  }
}

extension Outbox {
  mutating func setCoverDue(_ stream: Int, _ due: MonotonicTime) { streams[stream].coverDue = due }
}
