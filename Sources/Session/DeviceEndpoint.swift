import DequeModule
public import STC
public import STTBuffers
public import STTWire

/// What a device's owner may want to know about its link.
public enum DeviceEvent: Hashable, Sendable {
  case connected(mode: HandshakeMode, suite: Suite)
  /// The session is over; its unacknowledged messages wait for the next one.
  case disconnected(Session.End)
  /// The collector has proven that it holds the seed of that epoch.
  case proven(epoch: UInt32)
  /// The collector offers a new seed: ``DeviceEndpoint/takeSeedOffer()``.
  case seedOffered(epoch: UInt32)
  /// Nobody answered, or nobody who holds the seed.
  case attemptFailed(attempts: Int, retryAfterNanoseconds: UInt64)
  /// The collector proved that it holds the seed, and refuses.
  case refused(status: UInt8)
}

/// The device's end of the link, for as long as its process lives: connects, reconnects with
/// back-off, and keeps what is unacknowledged from one session to the next.
///
/// Reads no clock and owns no socket. After any input, call ``transmit(into:now:wall:)`` until it
/// answers 0, then wait for a datagram or ``deadline(now:)``.
public struct DeviceEndpoint: ~Copyable {
  static let firstBackoff = UInt64.seconds(1)
  static let longestBackoff = UInt64.seconds(60)
  /// A session that ends sooner counts as a failed attempt, or a collector that accepts and drops
  /// would be hammered.
  static let provenAfter = UInt64.seconds(30)
  /// The seeds it may authenticate by, newest first.
  var epochs: [PairKeys]
  /// Which of them the present attempt, or else the next one, uses.
  var trial = 0
  private let offer: HandshakeOffer
  private let settings: Session.Settings
  private let bootID: UInt64
  private let identity: IdentityKey?
  /// What the device has to say and was not relieved of yet.
  public private(set) var outbox = Outbox(role: .initiator)
  var session: Session?
  private var handshake: InitiatorHandshake?
  /// Of each epoch, the counter that no collector may have seen yet.
  private var counters: [UInt32: UInt64] = [:]
  /// The seed the session was made with.
  var sessionEpoch: UInt32 = 0
  /// Whether the collector was shown who this is in this session.
  var hasShownIdentity = false
  var change = SeedChange()
  private var failures = 0
  /// The next attempt supposes that the collector lost our window (docs/protocol.md 2.4).
  private var salted = false
  private var nextAttempt: MonotonicTime
  private var connectedAt: MonotonicTime
  var events = Deque<DeviceEvent>()
  private var checksum = HeaderChecksum()
  private var pendingDatagrams = Deque<[UInt8]>()
  private var jitter: UInt64 = 0

  /// - Parameters:
  ///   - bootID: changes with every start of the machine; advice for the collector's log.
  ///   - identity: proves in every session, before any stream, that this is the device; in HYBRID mode.
  public init(
    keys: PairKeys, offer: HandshakeOffer, settings: Session.Settings, bootID: UInt64, identity: IdentityKey? = nil,
    now: MonotonicTime
  ) {
    epochs = [keys]
    self.offer = offer
    self.settings = settings
    self.bootID = bootID
    self.identity = identity
    nextAttempt = now
    connectedAt = now
  }

  /// Bytes ``transmit(into:now:wall:)`` may need.
  public static let largestDatagram = FrameHeader.largestDatagram

  public var isConnected: Bool { session != nil }
  /// The seed epoch of the session, if there is one.
  public var connectedEpoch: UInt32? { isConnected ? sessionEpoch : nil }
  var isAttempting: Bool { handshake != nil }
  public var statistics: SessionStatistics? {
    switch session {
    case .some(let session): session.statistics
    case .none: nil
    }
  }
  public var smoothedRoundTrip: UInt64? {
    switch session {
    case .some(let session): session.smoothedRoundTrip
    case .none: nil
    }
  }
  /// Bytes of the largest datagram the session sends now.
  public var datagramByteCount: Int? {
    switch session {
    case .some(let session): session.datagramByteCount
    case .none: nil
    }
  }
  package var footprint: Footprint? {
    switch session {
    case .some(let session): session.footprint
    case .none: nil
    }
  }
  /// Bits a second an encoder may produce now, all streams together; `nil` without a session, 0 before anything is
  /// known of the path.
  public var targetBitrate: Double? {
    switch session {
    case .some(let session): session.targetBitrate
    case .none: nil
    }
  }

  /// Whether the path was found to carry ECN marks; `nil` without a session.
  public var usesECN: Bool? {
    switch session {
    case .some(let session): session.usesECN
    case .none: nil
    }
  }

  public var congestionWindow: Int? {
    switch session {
    case .some(let session): session.congestionWindow
    case .none: nil
    }
  }

  /// Adds a stream; the index names it from now on. `nil`: there are 256 already, or it is to have parity
  /// at a constant rate.
  ///
  /// - Parameters:
  ///   - padding: what observers may learn of the stream.
  ///   - parity: whether the receiver can make up for lost frames by itself.
  public mutating func add(_ open: StreamOpen, padding: Padding = .none, parity: Parity = .none) -> Int? {
    outbox.add(open, padding: padding, parity: parity)
  }

  /// Adds every message whose payload `next` tells of, all lying in `batch`; answers how many.
  ///
  /// - Parameter next: time, offset and byte count of one payload in `batch` after another.
  public mutating func enqueue(
    _ batch: consuming Lease, on stream: Int,
    next: (borrowing Lease) -> (time: MessageTime, offset: Int, byteCount: Int)?
  ) -> Int {
    outbox.enqueue(batch, on: stream, next: next)
  }

  /// Adds one message of an optional `head` and a `body`, each filling its lease.
  public mutating func enqueue(time: MessageTime, head: consuming Lease?, body: consuming Lease, on stream: Int) {
    outbox.enqueue(time: time, head: head, body: body, on: stream)
  }

  /// Adds a copy of a small message, packed with others into a buffer from `lease`; `false` when
  /// there is none.
  public mutating func enqueueCopy(
    time: MessageTime, payload: RawSpan, on stream: Int, lease: () -> Lease?
  ) -> Bool {
    outbox.enqueueCopy(time: time, payload: payload, on: stream, lease: lease)
  }

  /// No more messages will come on `stream`; its end is told once all are acknowledged.
  public mutating func finish(_ stream: Int) { outbox.finish(stream) }

  public mutating func takeEvent() -> DeviceEvent? { events.popFirst() }

  /// Whether an attempt is due: call ``connect(counter:wall:now:using:)``.
  public func wantsToConnect(now: MonotonicTime) -> Bool {
    !isConnected && handshake == nil && now >= nextAttempt
  }

  /// Whether that call needs a fresh counter from the device's store. An attempt nobody answered
  /// leaves its counter for the next.
  public var needsCounter: Bool { counters[nextEpoch] == nil }

  /// The seed epoch that the next attempt uses, whose counter it needs.
  public var nextEpoch: UInt32 { epochs[trial].epoch }

  /// Begins an attempt.
  ///
  /// - Parameter counter: a number this device never used before with ``nextEpoch``; ignored unless ``needsCounter``.
  public mutating func connect<R: RandomNumberGenerator>(
    counter fresh: UInt64, wall: UInt64, now: MonotonicTime, using generator: inout R
  ) {
    guard wantsToConnect(now: now) else { return }
    let keys = epochs[trial]
    let used = counters[keys.epoch] ?? fresh
    counters[keys.epoch] = used
    jitter = generator.next()
    handshake = InitiatorHandshake(
      offer: offer, keys: keys, counter: used, salted: salted,
      bootID: bootID, wallMilliseconds: wall / 1_000_000, now: now, using: &generator)
  }

  /// Takes one datagram from the collector's address. It is opened where it lies.
  public mutating func receive<Sink: MessageSink & ~Copyable>(
    unsafe datagram: UnsafeMutableRawBufferPointer, now: MonotonicTime, wall: UInt64, ecn: ECN = .notCapable,
    sink: inout Sink
  ) {
    let bytes = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(datagram))
    guard let header = try? FrameHeader(datagram: bytes, &checksum) else { return }
    if header.type.isHandshake {
      takeHandshake(bytes, header, now)
      return
    }
    guard session?.answers(to: header.session) == true else { return }
    _ = session?.receive(
      unsafe: datagram, header: header, now: now, wall: wall, ecn: ecn, outbox: &outbox, sink: &sink)
    takeControlMessages()
    proveNewSeed(now)
    noticeEnd(now)
  }

  private mutating func takeHandshake(_ datagram: RawSpan, _ header: FrameHeader, _ now: MonotonicTime) {
    guard let outcome = handshake?.receive(datagram, header: header, now: now) else { return }
    switch outcome {
    case .ignored: break
    case .progressed:
      // Once a RESPONSE has verified, the collector may have accepted the counter.
      if handshake?.hasVerifiedResponse == true { counters[nextEpoch] = nil }
    case .established(let established):
      handshake = nil
      salted = false
      pendingDatagrams.removeAll()
      outbox.reset(sessionWindow: Int(established.parameters.sessionWindow))
      session = Session(established, settings: settings, now: now)
      sessionEpoch = nextEpoch
      change.connected(sessionEpoch, isNewest: trial == 0)
      hasShownIdentity = false
      if let identity, let proof = IdentityExchange(established).proof(by: identity) {
        session?.show(proof)
        hasShownIdentity = true
      }
      connectedAt = now
      events.append(.connected(mode: established.mode, suite: established.suite))
      events.append(.proven(epoch: sessionEpoch))
    case .refused(let status):
      handshake = nil
      events.append(.refused(status: status))
      backOff(now)
    }
  }

  /// This machine has another address now: the session goes on from there without a handshake, and
  /// an attempt that waits is made at once.
  public mutating func moved<R: RandomNumberGenerator>(now: MonotonicTime, using generator: inout R) {
    session?.moved(random: generator.next(), now: now, outbox: &outbox)
    if !isConnected, handshake == nil, nextAttempt != .never {
      failures = 0
      nextAttempt = now
    }
  }

  /// Does what time alone makes due.
  ///
  /// - Parameter generator: new keys inside a session come from it.
  public mutating func handleTimeout<R: RandomNumberGenerator>(now: MonotonicTime, using generator: inout R) {
    session?.offerRekey(now: now, using: &generator)
    session?.handleTimeout(now: now, outbox: &outbox)
    outbox.expire(now)
    proveNewSeed(now)
    noticeEnd(now)
    if let handshake, handshake.isExpired(now: now) || handshake.isUnknown(now: now) {
      self.handshake = nil
      pendingDatagrams.removeAll()
      // It proved that it is there; the rest was bad luck.
      if handshake.hasVerifiedResponse { failures = 0 }
      // Every attempt is made twice before the back-off, the second time for a collector that does not
      // expect our counter.
      salted = !salted && !handshake.hasVerifiedResponse
      if salted {
        nextAttempt = now
      } else if !handshake.hasVerifiedResponse, trial + 1 < epochs.count {
        // A collector that has not got the newest seed yet, or lost it, may know the one before.
        trial += 1
        nextAttempt = now
      } else {
        backOff(now)
      }
    }
  }

  /// How the datagram that ``transmit(into:now:wall:)`` wrote last is to be marked in its IP header.
  public var mark: ECN {
    switch session {
    case .some(let session): session.mark
    case .none: .notCapable
    }
  }

  /// Writes the next datagram into `buffer`; 0 when there is none now.
  public mutating func transmit(into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime, wall: UInt64) -> Int {
    if isConnected {
      let length = session?.transmit(into: buffer, now: now, wall: wall, outbox: &outbox) ?? 0
      if length == 0 { noticeEnd(now) }
      return length
    }
    if pendingDatagrams.isEmpty, let due = handshake?.datagrams(now: now) { pendingDatagrams.append(contentsOf: due) }
    guard let datagram = pendingDatagrams.popFirst() else { return 0 }
    datagram.withUnsafeBytes { bytes in
      buffer.copyMemory(from: bytes)
    }
    return datagram.count
  }

  /// When to call ``handleTimeout(now:using:)``, ``transmit(into:now:wall:)`` and, if
  /// ``wantsToConnect(now:)``, ``connect(counter:wall:now:using:)`` again.
  public func deadline(now: MonotonicTime) -> MonotonicTime {
    switch session {
    case .some(let session): return min(session.deadline(now: now), change.dueTime(isSent: session.hasSentControl))
    case .none: return handshake?.nextDeadline ?? nextAttempt
    }
  }

  /// Says goodbye; the last datagram comes from ``transmit(into:now:wall:)``.
  public mutating func close() {
    session?.close(.shutdown)
    handshake = nil
    nextAttempt = .never
  }

  private mutating func noticeEnd(_ now: MonotonicTime) {
    guard let end = session?.end, session?.isFinished == true else { return }
    session = nil
    trial = 0
    events.append(.disconnected(end))
    guard nextAttempt != .never else { return }
    if now.since(connectedAt) >= Self.provenAfter || change.takeReconnect() {
      failures = 0
      nextAttempt = now
    } else {
      backOff(now)
    }
  }

  /// Gives up the attempt that is under way: its seed counts no more.
  mutating func abandonAttempt(_ now: MonotonicTime) {
    guard handshake != nil else { return }
    handshake = nil
    salted = false
    pendingDatagrams.removeAll()
    nextAttempt = now
  }

  private mutating func backOff(_ now: MonotonicTime) {
    trial = 0
    let base = min(Self.longestBackoff, Self.firstBackoff << UInt64(min(failures, 6)))
    failures += 1
    let wait = base - base / 4 + jitter % (base / 2)
    nextAttempt = now + wait
    events.append(.attemptFailed(attempts: failures, retryAfterNanoseconds: wait))
  }
}
