import STC
import STTBuffers
import STTIngest
import STTSession
import STTWire

/// A collector with one device that has the seed and keeps to nothing else, and with strangers.
func fuzzCollector(_ input: [UInt8]) -> Finding? {
  guard let keys = FixedKeys.pairKeys() else { return Finding("the fixed keys are refused") }
  var reader = InputReader(input)
  // The choice of a role, in a sequence for a session; so both take the same inputs.
  _ = reader.u8()
  var run = CollectorRun(keys)
  run.connect()
  for _ in 0..<PeerStep.most where !reader.isEmpty {
    run.take(PeerStep(&reader))
    if let finding = run.finding { return finding }
  }
  let pool = run.pool
  _ = consume run
  return pool.outstanding == 0 ? nil : Finding("a collector that is gone keeps buffers")
}

struct CollectorRun: ~Copyable {
  private let keys: PairKeys
  private var collector: CollectorEndpoint
  private var sink = CheckingSink()
  private var random = Seeded(state: 7)
  private var now = MonotonicTime(nanoseconds: 1_000_000_000)
  private var counter: UInt64 = 0
  private var persisted: UInt64 = 0
  private var persistFails = false
  private var attempt: InitiatorHandshake?
  private var peer: FuzzPeer?
  private var installed: Set<SessionID> = []
  private var earlier: [[UInt8]] = []
  private var buffer = [UInt8](repeating: 0, count: FrameHeader.largestDatagram)
  private var own: Finding?

  var finding: Finding? { own ?? sink.finding }
  var pool: BufferPool { sink.pool }

  init(_ keys: PairKeys) {
    self.keys = keys
    collector = CollectorEndpoint(
      offer: HandshakeOffer(modes: [.seed], suites: [.chaCha20Poly1305]),
      settings: Session.Settings(streamWindow: 4 << 20, replayWindowBitCount: 1024), mostSessions: 4, now: now,
      using: &random)
    _ = collector.add(.init(keys: keys, epoch: 1, lastCounter: 0), now: now)
  }

  /// A new handshake as far as it goes.
  mutating func connect() {
    counter += 1
    attempt = InitiatorHandshake(
      offer: HandshakeOffer(modes: [.seed], suites: [.chaCha20Poly1305]), keys: keys, counter: counter, bootID: 1,
      wallMilliseconds: 0, now: now, using: &random)
    for _ in 0..<2 {
      for datagram in attempt?.datagrams(now: now) ?? [] {
        earlier.append(datagram)
        receive(datagram)
      }
      drain()
    }
  }

  mutating func take(_ step: PeerStep) {
    switch step {
    case .packet(let type, let flags, let stream, let plaintext):
      guard let datagram = peer?.seal(type, flags, stream: stream, plaintext) else { break }
      earlier.append(datagram)
      receive(datagram)
    case .again(let back, let flip):
      guard back < earlier.count else { break }
      var datagram = earlier[earlier.count - 1 - back]
      if flip != 0 { datagram[Int(flip) % datagram.count] ^= UInt8(truncatingIfNeeded: flip >> 8) | 1 }
      mendChecksums(&datagram)
      receive(datagram, port: flip & 7 == 7 ? 4001 : 4000)
    case .lost: _ = peer?.seal(.nack, 0, stream: 0, [])
    case .ratchet: peer?.ratchet()
    case .time(let nanoseconds): now = now + nanoseconds
    case .message: connect()
    case .finish: persistFails.toggle()
    case .durable(let token, let below):
      if token < sink.streamCount { collector.markDurable(session: token % 4, token: token, below: below) }
    case .accepting(let accepts): sink.accepts = accepts
    case .close: collector.close()
    case .other(let kind, let bytes):
      var datagram = bytes
      if kind & 1 == 0 { mendChecksums(&datagram) }
      receive(datagram, port: 4000 + UInt16(kind & 6))
    }
    for _ in 0..<64 {
      collector.handleTimeout(now: now)
      drain()
      if collector.deadline > now { return }
    }
    own = own ?? Finding("the collector always has something to do at once")
  }

  private mutating func receive(_ bytes: [UInt8], port: UInt16 = 4000) {
    var datagram = bytes
    let fails = persistFails
    var highest = persisted
    var wentBack = false
    datagram.withUnsafeMutableBytes {
      _ = collector.receive(
        unsafe: $0, from: PeerAddress(high: 0, low: 0xFFFF_0A00_0001, port: port), now: now, wall: now.nanoseconds,
        using: &random, sink: &sink
      ) { _, _, counter in
        wentBack = wentBack || counter <= highest
        if !fails { highest = counter }
        return !fails
      }
    }
    if wentBack { own = own ?? Finding("a handshake counter was accepted again") }
    persisted = highest
    noteEvents()
  }

  private mutating func noteEvents() {
    while let event = collector.takeEvent() {
      if case .established(_, _, _, let established) = event { installed.insert(established.session) }
    }
    if collector.sessionCount > 2 { own = own ?? Finding("a device has \(collector.sessionCount) sessions") }
  }

  private mutating func drain() {
    for _ in 0..<4096 {
      let outgoing = buffer.withUnsafeMutableBytes { collector.transmit(into: $0, now: now, wall: now.nanoseconds) }
      noteEvents()
      guard let outgoing else { return }
      answer(Array(buffer[..<outgoing.byteCount]))
    }
    own = own ?? Finding("the collector sends without end")
  }

  private mutating func answer(_ datagram: [UInt8]) {
    guard let header = try? FrameHeader(datagram: datagram.span.bytes) else {
      own = own ?? Finding("the collector sent what is no frame")
      return
    }
    if header.type == .final, !installed.contains(header.session) {
      own = own ?? Finding("FINAL left for a session that was not installed")
    }
    guard header.type.isHandshake else { return }
    if case .established(let established) = attempt?.receive(datagram.span.bytes, header: header, now: now) {
      peer = FuzzPeer(established)
    }
  }
}
