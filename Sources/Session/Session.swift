public import STC
import STTBuffers
public import STTWire

/// One established session, as either end sees it: packets in, packets out, nothing else.
///
/// Feed it datagrams and the time; then call ``transmit(into:now:outbox:)`` until it answers 0, and
/// come back at ``deadline(now:outbox:)`` or with the next datagram. It reads no clock and owns no
/// socket.
public struct Session: ~Copyable {
  /// What holds for every session of an endpoint.
  public struct Settings: Hashable, Sendable {
    /// UDP payload bytes used until the path is known to carry more.
    public var datagramByteCount: Int
    /// UDP payload bytes the search for what the path carries may reach.
    public var largestDatagramByteCount: Int
    /// Bytes of undelivered messages each incoming stream may have.
    public var streamWindow: Int
    /// Bytes of undelivered messages all incoming streams may have together; what the offer promises.
    public var sessionWindow: Int
    /// Most nanoseconds an acknowledgement waits.
    public var acknowledgementDelay: UInt64
    /// KEEP_ALIVE after this much silence of ours.
    public var keepAliveInterval: UInt64
    /// The peer is gone after this much silence of its.
    public var idleTimeout: UInt64
    /// New keys are agreed on after this long …
    public var rekeyInterval: UInt64
    /// … or so many bytes, both directions together (docs/protocol.md 2.11).
    public var rekeyByteCount: UInt64
    /// Packet numbers the replay window remembers: 1024, 2048, 4096 or 8192.
    public var replayWindowBitCount: Int
    /// Blocks kept of each incoming stream that has parity …
    public var parityBlockCount: Int
    /// … and bytes for the blocks of all of them together. A stream beyond is taken without its parity.
    public var parityByteCount: Int

    public init(
      datagramByteCount: Int = 1200, largestDatagramByteCount: Int? = nil, streamWindow: Int = 16 << 20,
      sessionWindow: Int = 64 << 20,
      acknowledgementDelay: UInt64 = .milliseconds(25),
      keepAliveInterval: UInt64 = .seconds(10), idleTimeout: UInt64 = .seconds(30), rekeyInterval: UInt64 = .seconds(900),
      rekeyByteCount: UInt64 = 4 << 30, replayWindowBitCount: Int = 8192,
      parityBlockCount: Int = 16, parityByteCount: Int = 1 << 20
    ) {
      self.datagramByteCount = datagramByteCount
      self.largestDatagramByteCount = largestDatagramByteCount ?? datagramByteCount
      self.streamWindow = streamWindow
      self.sessionWindow = sessionWindow
      self.acknowledgementDelay = acknowledgementDelay
      self.keepAliveInterval = keepAliveInterval
      self.idleTimeout = idleTimeout
      self.rekeyInterval = rekeyInterval
      self.rekeyByteCount = rekeyByteCount
      self.replayWindowBitCount = replayWindowBitCount
      self.parityBlockCount = parityBlockCount
      self.parityByteCount = parityByteCount
    }
  }

  /// Why a session is over.
  public enum End: Hashable, Sendable {
    /// ``close(_:text:)`` was called.
    case closed
    case closedByPeer(reason: UInt8, text: String)
    /// Nothing authentic came for ``Settings/idleTimeout``.
    case silent
    /// The peer broke the protocol.
    case violation
    /// A key reached its limit and could not be replaced (docs/protocol.md 2.11).
    case keyLimit
  }

  public let id: SessionID
  var names: SessionNames
  var peerMoved = false
  var echo: UInt64?
  /// Whether the packet received last has the highest number so far: where the peer is now.
  public internal(set) var receivedNewest = false
  public let role: Role
  public let suite: Suite
  public let mode: HandshakeMode
  let settings: Settings
  let parameters: SessionParameters
  private let addressOnly = AddressOnly()
  var path: PathMTU
  /// Bytes of the largest datagram this session sends now, probes of the path apart.
  public var datagramByteCount: Int { path.current }

  var sealer: PacketSealer<InPlaceEngine>
  var opener: PacketOpener<InPlaceEngine>
  var sent = SentPackets()
  var roundTrip = RoundTrip()
  var congestion: Congestion
  var ecn = ECNValidation()
  /// How the datagram that ``transmit(into:now:wall:outbox:)`` wrote last is to be marked in its IP header.
  public internal(set) var mark = ECN.notCapable
  var reordering = Reordering()
  var lossShare: LossShare
  var pacer: Pacer
  var received = ReceivedPackets()
  var incoming: IncomingStreams
  var control = ControlChannel()
  /// While set, no stream is sent or taken: the peer's identity is not known yet (docs/protocol.md 2.12).
  public private(set) var holdsStreams = false
  private var isShowingIdentity = false
  var keys: KeyUse
  var hybrid: HybridRatchet

  public private(set) var end: End?
  var closing: SessionClose?
  var closingSent = false
  /// Whether the peer has shown that it holds the keys.
  public internal(set) var isConfirmed: Bool
  var lastReceived: MonotonicTime
  var lastSent: MonotonicTime
  var lastElicitingSent: MonotonicTime?
  var lossTime: MonotonicTime?
  var probeCount = 0
  /// The newest packet that a probe took for lost. If it is acknowledged after all, the round trip is longer
  /// than was thought.
  var givenUp: (number: UInt64, sent: MonotonicTime)?
  /// Packets that may go beyond the window, to find out whether the peer still hears us.
  var probesOwed = 0
  var keepAliveDue: MonotonicTime
  var keepAliveToken: UInt64 = 0
  var keepAlivesOwed: [KeepAliveAck] = []
  var clockFilter = ClockFilter()
  /// The best estimate of the peer's clocks, once there is one.
  public internal(set) var clock: ClockEstimate?
  public internal(set) var statistics = SessionStatistics()
  var turn = 0
  /// What goes next, while that is certain.
  var following: FollowingPart?
  /// When the next datagram of a constant rate is due.
  var coverDue = MonotonicTime.never
  /// When the next block that waits for more must be closed.
  var parityDue = MonotonicTime.never
  /// The peer pads: the lengths of our acknowledgements must not tell what its lengths don't.
  var peerPads = false
  /// The peer sends at a constant rate: each acknowledgement says everything, at once and never again,
  /// so that neither their times nor their lengths tell when there was something to say.
  var peerCovers = false
  var pacingBlocked = false

  public init(_ established: Established, settings: Settings, now: MonotonicTime) {
    id = established.session
    role = established.role
    suite = established.suite
    mode = established.mode
    self.settings = settings
    parameters = established.parameters
    let least = Int(smallestMaximumDatagram)
    path = PathMTU(
      base: max(least, min(settings.datagramByteCount, established.maximumDatagram)),
      limit: max(least, min(settings.largestDatagramByteCount, established.maximumDatagram)))
    let initiates = established.role == .initiator
    let keys = established.keys
    names = SessionNames(established.session, keys: keys)
    sealer = PacketSealer(initiates ? keys.initiatorToResponder : keys.responderToInitiator, suite: suite)
    opener = PacketOpener(
      initiates ? keys.responderToInitiator : keys.initiatorToResponder, suite: suite,
      windowBitCount: settings.replayWindowBitCount)
    congestion = Congestion(datagram: path.current)
    pacer = Pacer(now: now)
    lossShare = LossShare(now: now)
    incoming = IncomingStreams(settings)
    self.keys = KeyUse(now: now)
    hybrid = HybridRatchet(keys, now: now)
    isConfirmed = initiates
    lastReceived = now
    lastSent = now
    // The initiator speaks first, so that the responder may retire the session it replaces; the
    // responder asks for the device's clocks soon after.
    keepAliveDue = initiates ? now : now + .milliseconds(200)
  }

  /// Ends the session: one SESSION_CLOSE goes out, then nothing.
  public mutating func close(_ reason: CloseReason, text: String = "") {
    guard end == nil, closing == nil else { return }
    closing = SessionClose(reason: reason.rawValue, text: text)
  }

  /// Whether there is nothing left to send either, and the session can be forgotten.
  public var isFinished: Bool { end != nil && (closing == nil || closingSent) }

  mutating func finish(_ reason: End) {
    if end == nil { end = reason }
  }

  /// Sends a control message: whole, in order, exactly once.
  ///
  /// - Parameter bytes: 1 to 8192 of them.
  public mutating func sendControl(_ type: FrameType, _ bytes: [UInt8]) { control.send(type, bytes) }

  /// The next control message that is the endpoint's business: IDENTITY and SEED_UPDATE.
  public mutating func takeControlMessage() -> ControlMessage? {
    control.next { $0 == .identity || $0 == .seedUpdate }
  }

  /// Whether the peer has every control message that was sent.
  public var hasSentControl: Bool { control.isIdle }

  /// Keeps all streams waiting until ``releaseStreams()``.
  public mutating func holdStreams() { holdsStreams = true }
  public mutating func releaseStreams() { holdsStreams = false }

  /// Sends IDENTITY; streams wait until the peer has it, which would refuse them before.
  mutating func show(_ identity: [UInt8]) {
    control.send(.identity, identity)
    isShowingIdentity = true
    holdStreams()
  }

  mutating func finishIdentity() {
    guard isShowingIdentity, control.isIdle else { return }
    isShowingIdentity = false
    releaseStreams()
  }

  /// Everything below `number` of the stream admitted as `token` is on disk, in a recording whose chain has `head`.
  public mutating func markDurable(token: Int, below number: UInt64, head: RecordingHead? = nil) {
    incoming.markDurable(token: token, below: number, head)
  }

  /// Whether messages wait whose turn it is: the sink had no room for them.
  public var isInterrupted: Bool { incoming.isInterrupted }

  /// Goes on with those, as the next datagram would.
  public mutating func resume<Sink: MessageSink & ~Copyable>(into sink: inout Sink) {
    guard end == nil, case .violation = incoming.resume(into: &sink) else { return }
    close(.protocolViolation)
    finish(.violation)
  }

  /// Nanoseconds a packet and its answer take, smoothed.
  public var smoothedRoundTrip: UInt64 { roundTrip.smoothed }
  /// Bytes that may be on the way.
  public var congestionWindow: Int { congestion.window }
  /// Bits a second an encoder may produce now, all streams together; 0 before anything is known.
  public var targetBitrate: Double { congestion.targetBitrate }
  /// Whether the path was found to carry ECN marks.
  public var usesECN: Bool { ecn.isCapable }
  /// Bytes on the way.
  public var bytesInFlight: Int { congestion.inFlight }

  var peerAcknowledgementDelay: UInt64 { .milliseconds(UInt64(parameters.acknowledgementDelayMilliseconds)) }
  var probeTimeout: UInt64 { roundTrip.probeTimeout(acknowledgementDelay: peerAcknowledgementDelay) }
}

/// What a session counts.
public struct SessionStatistics: Hashable, Sendable {
  public var packetsSent: UInt64 = 0
  public var packetsReceived: UInt64 = 0
  public var bytesSent: UInt64 = 0
  public var bytesReceived: UInt64 = 0
  public var packetsLost: UInt64 = 0
  /// Of our packets, those a queue on the way marked instead of dropping (CE).
  public var packetsMarked: UInt64 = 0
  public var packetsReplayed: UInt64 = 0
  public var packetsForged: UInt64 = 0
  /// Authentic packets that could not be taken: no memory, or ahead of the window.
  public var packetsRefused: UInt64 = 0
  public var probeTimeouts: UInt64 = 0
  /// Packets with nothing but parity, among those sent.
  public var paritySent: UInt64 = 0
  /// Frames that did not arrive and were made from parity.
  public var framesRecovered: UInt64 = 0
  public var ratchets: UInt64 = 0
  /// How many of those came from a new key agreement.
  public var rekeys: UInt64 = 0

  public init() {}
}

/// When the sending key must change (docs/protocol.md 2.11).
struct KeyUse: Sendable {
  var packets: UInt64 = 1 << 20
  static let bytes: UInt64 = 1 << 30
  static let age = UInt64.seconds(15 * 60)
  /// AES-GCM's confidentiality limit (RFC 9001 section 6.6).
  var hardPackets: UInt64 = 1 << 23
  /// Packets that failed to open under the peer's key, after which it is asked for another.
  var failures: UInt64 = 1 << 30
  /// Below ChaCha20-Poly1305's integrity limit of 2^36.
  var hardFailures: UInt64 = 1 << 35

  var since: MonotonicTime
  /// The first packet under the present key.
  var firstPacket: UInt64 = 0
  /// When the peer's previous key may be forgotten.
  var forgetAt: MonotonicTime?

  init(now: MonotonicTime) { since = now }
}
