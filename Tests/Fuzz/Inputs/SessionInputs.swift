import STC
import STTBuffers
import STTSession
import STTWire

/// A session with a peer that has the keys and keeps to nothing else.
func fuzzSession(_ input: [UInt8]) -> Finding? {
  var reader = InputReader(input)
  let choice = reader.u8()
  guard let keys = choice & 2 == 0 ? FixedKeys.seed : FixedKeys.hybrid else {
    return Finding("the handshake of the fixed keys failed")
  }
  let asResponder = choice & 1 == 0
  var run = SessionRun(
    own: asResponder ? keys.responder : keys.initiator, peer: asResponder ? keys.initiator : keys.responder)
  for _ in 0..<PeerStep.most where !reader.isEmpty {
    run.take(PeerStep(&reader))
    if let finding = run.finding { return finding }
  }
  let pool = run.pool
  _ = consume run
  return pool.outstanding == 0 ? nil : Finding("a session that is gone keeps buffers")
}

/// The session under test and everything around it.
struct SessionRun: ~Copyable {
  private var session: Session
  private var outbox: Outbox
  private var sink = CheckingSink()
  private var peer: FuzzPeer
  private var now = MonotonicTime(nanoseconds: 1_000_000_000)
  private var earlier: [[UInt8]] = []
  private var lastNumber: UInt64?
  private var buffer = [UInt8](repeating: 0, count: FrameHeader.largestDatagram)
  private var random = Seeded(state: 11)
  private var own: Finding?
  /// For two or three streams of a few parity shards.
  private static let mostParityBytes = 40_000

  var finding: Finding? { own ?? sink.finding }
  var pool: BufferPool { sink.pool }

  init(own: Established, peer: Established) {
    session = Session(
      own,
      settings: Session.Settings(
        streamWindow: 4 << 20, replayWindowBitCount: 1024, parityBlockCount: 2, parityByteCount: Self.mostParityBytes),
      now: now)
    outbox = Outbox(role: own.role)
    self.peer = FuzzPeer(peer)
    for (index, delivery) in [DeliveryClass.reliable, .latest, .partial].enumerated() {
      let shape = delivery == .partial ? ParityShape(dataCount: 4, parityCount: 2) : nil
      _ = outbox.add(
        StreamOpen(
          largestMessage: 1 << 16, delivery: delivery, durability: index == 0 ? .durable : .periodic, priority: UInt8(index),
          deadlineMilliseconds: 500, uid: StreamUID(high: UInt64(index), low: 9), incarnation: 1, firstMessage: 0,
          name: "s", schemaEncoding: "", schemaName: "", schemaData: [], purpose: "main"),
        parity: shape.map { .always($0) } ?? .none)
    }
    drain()
  }

  mutating func take(_ step: PeerStep) {
    switch step {
    case .packet(let type, let flags, let stream, let plaintext):
      let datagram = peer.seal(type, flags, stream: stream, plaintext)
      earlier.append(datagram)
      receive(datagram)
    case .again(let back, let flip):
      guard back < earlier.count else { break }
      var datagram = earlier[earlier.count - 1 - back]
      if flip != 0 { datagram[Int(flip) % datagram.count] ^= UInt8(truncatingIfNeeded: flip >> 8) | 1 }
      receive(datagram)
    case .lost: _ = peer.seal(.nack, 0, stream: 0, [])
    case .ratchet: peer.ratchet()
    case .time(let nanoseconds): now = now + nanoseconds
    case .message(let stream, let byteCount): enqueue(stream, byteCount)
    case .finish(let stream): outbox.finish(stream)
    case .durable(let token, let below):
      if token < sink.streamCount { session.markDurable(token: token, below: below) }
    case .accepting(let accepts): sink.accepts = accepts
    case .close: session.close(.shutdown)
    case .other(let kind, let bytes):
      if kind & 1 == 0 {
        session.moved(random: UInt64(kind), now: now, outbox: &outbox)
      } else if !bytes.isEmpty {
        session.sendControl(.seedUpdate, bytes)
      }
    }
    rest()
    if session.footprint.parityByteCount > Self.mostParityBytes { own = own ?? Finding("parity takes more than is allowed") }
    while session.takeControlMessage() != nil {}
    if session.wantsRekey(now: now) { session.offerRekey(now: now, using: &random) }
    if session.hasRekeyOffer { session.acceptRekey(now: now, using: &random, encapsulate: Encapsulated.to) }
  }

  private mutating func receive(_ bytes: [UInt8]) {
    var datagram = bytes
    guard let header = try? FrameHeader(datagram: datagram.span.bytes) else { return }
    datagram.withUnsafeMutableBytes {
      _ = session.receive(
        unsafe: $0, header: header, now: now, wall: now.nanoseconds, outbox: &outbox, sink: &sink)
    }
  }

  private mutating func enqueue(_ stream: Int, _ byteCount: Int) {
    guard outbox.leaseCount < 16, var lease = sink.pool.lease(atLeast: max(1, byteCount)) else { return }
    lease.count = byteCount
    outbox.enqueue(
      time: MessageTime(monotonicNanoseconds: now.nanoseconds, wallNanoseconds: 0), head: nil, body: lease, on: stream)
  }

  /// Does what is due now until nothing is: an endpoint that never rests keeps a processor busy for ever.
  private mutating func rest() {
    for _ in 0..<64 {
      session.handleTimeout(now: now, outbox: &outbox)
      drain()
      if session.isFinished || session.deadline(now: now) > now { return }
    }
    own = own ?? Finding("the session always has something to do at once")
  }

  private mutating func drain() {
    for _ in 0..<4096 {
      let length = buffer.withUnsafeMutableBytes {
        session.transmit(into: $0, now: now, wall: now.nanoseconds, outbox: &outbox)
      }
      if length == 0 { return }
      let number = buffer.withUnsafeBytes { $0.baseAddress.map { SealedDatagram.packetNumber(unsafe: $0) } ?? 0 }
      if let lastNumber, number <= lastNumber { own = own ?? Finding("packet number \(number) came after \(lastNumber)") }
      lastNumber = number
    }
    own = own ?? Finding("the session sends without end")
  }
}
