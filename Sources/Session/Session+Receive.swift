public import STTWire
import STC

extension Session {
  /// What became of a datagram.
  public enum Reception: Hashable, Sendable {
    case taken
    /// Not authentic, seen before, or under a key nobody has: nothing happened.
    case dropped
  }

  /// Takes a datagram that names this session. It is opened where it lies.
  ///
  /// - Parameters:
  ///   - datagram: overwritten in any case.
  ///   - header: read from `datagram`.
  ///   - wall: nanoseconds since 1970 by this side's clock; for the clock estimate alone.
  ///   - ecn: the two bits of the datagram's IP header.
  public mutating func receive<Sink: MessageSink & ~Copyable>(
    unsafe datagram: UnsafeMutableRawBufferPointer, header: FrameHeader, now: MonotonicTime, wall: UInt64,
    ecn: ECN = .notCapable, outbox: inout Outbox, sink: inout Sink
  ) -> Reception {
    guard end == nil, header.type.isSession else { return .dropped }
    following = nil
    let epoch = opener.epoch
    let number: UInt64
    switch opener.open(unsafe: datagram, header: header) {
    case .opened(let packetNumber): number = packetNumber
    case .replayed:
      statistics.packetsReplayed += 1
      return .dropped
    case .forged, .unknownEpoch:
      statistics.packetsForged += 1
      if opener.failuresUnderKey >= keys.hardFailures { finish(.keyLimit) }
      return .dropped
    }
    if opener.epoch != epoch { keys.forgetAt = now + 3 * probeTimeout }
    isConfirmed = true
    lastReceived = now
    receivedNewest = received.largest.map { number > $0 } ?? true
    if header.session == names.next {
      names.advance()
      peerMoved = true
    }
    names.heard(header.session)
    let plaintext = RawSpan(
      _unsafeStart: UnsafeRawPointer(datagram.baseAddress.unsafelyUnwrapped + SealedDatagram.additionalByteCount),
      byteCount: datagram.count - SealedDatagram.overheadByteCount)
    if isInterrupted {
      resume(into: &sink)
      if end != nil { return .taken }
    }
    var arrival = Arrival(number: number, sequence: header.sequence, now: now, wall: wall)
    var reader = ByteReader(plaintext)
    let outcome =
      header.type == .bundle
      ? takeBundle(&reader, &arrival, outbox: &outbox, sink: &sink)
      : take(
        header.type, header.flags, stream: header.stream, &reader, &arrival, outbox: &outbox, sink: &sink)
    switch outcome {
    case .taken: break
    case .refused:
      // Not marked as seen and not acknowledged: for the sender it is lost.
      statistics.packetsRefused += 1
      return .taken
    case .violation:
      close(.protocolViolation)
      finish(.violation)
      return .taken
    }
    guard takeKeyMessages(now) else {
      close(.protocolViolation)
      finish(.violation)
      return .taken
    }
    finishRekey(now)
    finishIdentity()
    opener.accept(number)
    received.note(number, ecn, urgency: arrival.urgency, now: now, delay: settings.acknowledgementDelay)
    statistics.packetsReceived += 1
    statistics.bytesReceived += UInt64(datagram.count)
    return .taken
  }

  /// A packet being taken apart.
  struct Arrival {
    let number: UInt64
    /// Of the frame that is being taken.
    var sequence: UInt32
    let now: MonotonicTime
    let wall: UInt64
    var urgency: ReceivedPackets.Urgency?

    mutating func elicits(_ asked: ReceivedPackets.Urgency) {
      if urgency != .prompt { urgency = asked }
    }
  }

  private mutating func takeBundle<Sink: MessageSink & ~Copyable>(
    _ reader: inout ByteReader, _ arrival: inout Arrival, outbox: inout Outbox, sink: inout Sink
  ) -> IncomingStream.Outcome {
    var isRefused = false
    while reader.left > 0 {
      // No frame has type 0: from here on all is padding (docs/protocol.md 2.2).
      if reader.nextByte == 0 {
        peerPads = true
        // Cover asks for an answer, to look like data. A padded acknowledgement must not: it would be
        // acknowledged by another, for ever.
        if reader.offset == 0 {
          peerCovers = true
          arrival.elicits(.prompt)
        }
        break
      }
      if !holdsStreams, incoming.takeRun(&reader, into: &sink) > 0 {
        arrival.elicits(.prompt)
        continue
      }
      guard let frame = try? BundledFrame(&reader) else { return .violation }
      guard let payload = try? reader.span(Int(frame.payloadByteCount)) else { return .violation }
      var inner = ByteReader(payload)
      arrival.sequence = frame.sequence
      let outcome = take(
        frame.type, frame.flags, stream: frame.stream, &inner, &arrival, outbox: &outbox, sink: &sink)
      switch outcome {
      case .taken: break
      // What follows may be just what this one waits for. All of it comes again, and is known then.
      case .refused: isRefused = true
      case .violation: return .violation
      }
    }
    return isRefused ? .refused : .taken
  }

  private mutating func take<Sink: MessageSink & ~Copyable>(
    _ type: FrameType, _ flags: FrameFlags, stream: UInt16, _ reader: inout ByteReader, _ arrival: inout Arrival,
    outbox: inout Outbox, sink: inout Sink
  ) -> IncomingStream.Outcome {
    switch type {
    case .data:
      arrival.elicits(.prompt)
      guard !holdsStreams, let index = incoming.index(of: stream) else { return .refused }
      let place = IncomingStream.Place(sequence: arrival.sequence, packet: arrival.number)
      let outcome = incoming.takeData(index, &reader, flags: flags, at: place, into: &sink)
      statistics.framesRecovered = incoming.recoveredCount
      return outcome
    case .ack where stream == 0:
      guard let ack = try? PacketAck(&reader) else { return .violation }
      return takeAck(ack, arrival.now, outbox: &outbox) ? .taken : .violation
    case .ack:
      arrival.elicits(.lazy)
      guard let ack = try? StreamAck(&reader) else { return .violation }
      return takeStreamAck(ack, stream: stream, outbox: &outbox) ? .taken : .violation
    case .streamOpen:
      arrival.elicits(.prompt)
      guard !holdsStreams else { return .refused }
      guard isPeerStream(stream), let index = incoming.index(of: stream) ?? incoming.add(stream) else {
        return .violation
      }
      return incoming.takeOpen(index, &reader, into: &sink)
    case .skip:
      arrival.elicits(.prompt)
      guard let skip = try? Skip(&reader) else { return .violation }
      guard let index = incoming.index(of: stream) else { return .refused }
      return incoming.takeSkip(index, skip, into: &sink)
    case .streamFin, .streamClose:
      arrival.elicits(.prompt)
      guard let streamEnd = try? StreamEnd(&reader) else { return .violation }
      guard let index = incoming.index(of: stream) else { return .refused }
      return incoming.takeEnd(index, streamEnd, into: &sink)
    case .keepAlive:
      arrival.elicits(.lazy)
      guard let keepAlive = try? KeepAlive(&reader) else { return .violation }
      noteKeepAlive(keepAlive, arrival)
      return .taken
    case .keepAliveAck:
      guard let answer = try? KeepAliveAck(&reader) else { return .violation }
      estimateClock(answer, arrival)
      return .taken
    case .rekeyOffer, .rekeyAccept, .identity, .seedUpdate:
      arrival.elicits(.prompt)
      guard stream == 0 else { return .violation }
      return control.take(type, &reader)
    case .sessionClose:
      guard let close = try? SessionClose(&reader) else { return .violation }
      finish(.closedByPeer(reason: close.reason, text: close.text))
      return .taken
    case .error:
      guard (try? ErrorFrame(&reader)) != nil else { return .violation }
      return .taken
    default:
      // NACK is advice that packet acknowledgements make needless; the rest comes from later
      // versions, which negotiate it first. Authentic, and of no effect.
      arrival.elicits(.lazy)
      return .taken
    }
  }

  private func isPeerStream(_ stream: UInt16) -> Bool {
    stream != 0 && (stream & 1 == 1) == (role == .responder)
  }

  /// Most KEEP_ALIVEs answered at once; a peer that sends more gets fewer answers.
  private static let mostAnswers = 4

  /// Exchanges half a second apart at a session's start.
  private static let earlyExchanges = 5

  private mutating func noteKeepAlive(_ keepAlive: KeepAlive, _ arrival: Arrival) {
    guard keepAlivesOwed.count < Self.mostAnswers else { return }
    keepAlivesOwed.append(
      KeepAliveAck(
        token: keepAlive.token, sent: keepAlive.sent,
        received: MessageTime(monotonicNanoseconds: arrival.now.nanoseconds, wallNanoseconds: arrival.wall),
        repliedMonotonicNanoseconds: arrival.now.nanoseconds))
  }

  private mutating func estimateClock(_ answer: KeepAliveAck, _ arrival: Arrival) {
    guard answer.token == keepAliveToken, keepAliveToken != 0 else {
      echo = answer.token
      return
    }
    keepAliveToken = 0
    let now = arrival.now.nanoseconds
    guard now >= answer.sent.monotonicNanoseconds,
      answer.repliedMonotonicNanoseconds >= answer.received.monotonicNanoseconds
    else { return }
    let total = now - answer.sent.monotonicNanoseconds
    let held = answer.repliedMonotonicNanoseconds - answer.received.monotonicNanoseconds
    guard held <= total else { return }
    let oneWay = (total - held) / 2
    // A peer's clocks may say anything: differences wrap instead of trapping.
    let middle = answer.sent.monotonicNanoseconds &+ oneWay
    let middleWall = answer.sent.wallNanoseconds &+ oneWay
    clock = clockFilter.add(
      ClockEstimate(
        wallOffsetNanoseconds: Int64(bitPattern: answer.received.wallNanoseconds &- middleWall),
        monotonicOffsetNanoseconds: Int64(bitPattern: answer.received.monotonicNanoseconds &- middle),
        uncertaintyNanoseconds: oneWay, peerMonotonicNanoseconds: answer.received.monotonicNanoseconds),
      now: arrival.now)
    // The first few come soon after one another, so that early samples get good times as well.
    if role == .responder, clockFilter.count < Self.earlyExchanges {
      keepAliveDue = min(keepAliveDue, arrival.now + .milliseconds(500))
    }
  }
}
