// docs/library.md shows this file; a test keeps the two alike.
import STC
import STTBuffers
import STTSession
import STTWire

/// Two endpoints, one message: what a program must do to speak STT itself. The "network" here is a
/// pair of function calls; put a UDP socket in its place.
func streamOneMessage() throws -> [UInt8] {
  // 1. Both ends hold the same seed and know both node ids. `stt seed new` makes them.
  var random = SystemRandomNumberGenerator()
  func randomBytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) } }
  let pair = try Pair(initiatorID: randomBytes(32), responderID: randomBytes(32), epoch: 1)
  let keys = PairKeys(seed: try Seed(bytes: randomBytes(32)), pair: pair)
  let offer = HandshakeOffer(suites: [.chaCha20Poly1305, .aes256GCM])
  var now = MonotonicTime(nanoseconds: 1)

  // 2. The device: add streams, enqueue messages whenever there are some.
  let pool = BufferPool([SlabClass(byteCount: 4096, count: 16)])
  var device = DeviceEndpoint(keys: keys, offer: offer, settings: Session.Settings(), bootID: 1, now: now)
  let stream = device.add(
    StreamOpen(
      largestMessage: 4096, delivery: .reliable, durability: .periodic, priority: 0, uid: StreamUID(high: 1, low: 1),
      incarnation: 1, firstMessage: 0, name: "greeting", schemaEncoding: "", schemaName: "", schemaData: [],
      purpose: "main"))
  guard let stream, var lease = pool.lease(atLeast: 5) else { return [] }
  for (index, byte) in "hello".utf8.enumerated() {
    lease.unsafeBase.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
  }
  lease.count = 5
  device.enqueue(
    time: MessageTime(monotonicNanoseconds: now.nanoseconds, wallNanoseconds: 0), head: nil, body: lease, on: stream)

  // 3. The other end: one responder for all devices, one session for each that proved its seed.
  var responder = ResponderHandshake(offer: offer, now: now, using: &random)
  _ = responder.add(.init(keys: keys, epoch: 1, lastCounter: 0), now: now)
  var session: Session?
  var outbox = Outbox(role: .responder)
  var inbox = Inbox(pool: pool)
  var nothing = Inbox(pool: pool)

  // 4. The loop: time goes in, datagrams go to and fro, until the message is there.
  var buffer = [UInt8](repeating: 0, count: DeviceEndpoint.largestDatagram)
  for _ in 0..<1000 where inbox.received.isEmpty {
    now = now + .milliseconds(10)
    device.handleTimeout(now: now, using: &random)
    if device.wantsToConnect(now: now) { device.connect(counter: 1, wall: 0, now: now, using: &random) }
    while true {
      let count = buffer.withUnsafeMutableBytes { device.transmit(into: $0, now: now, wall: 0) }
      if count == 0 { break }
      var answer: [UInt8]?
      buffer.withUnsafeMutableBytes { bytes in
        let datagram = UnsafeMutableRawBufferPointer(rebasing: bytes[..<count])
        guard let header = try? FrameHeader(datagram: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(datagram))) else {
          return
        }
        if header.type.isHandshake {
          let outcome = responder.receive(
            RawSpan(_unsafeBytes: UnsafeRawBufferPointer(datagram)), header: header,
            from: PeerAddress(high: 0, low: 1, port: 1), now: now, using: &random, isTaken: { _, _ in false },
            encapsulate: Encapsulated.to)
          switch outcome {
          case .reply(let reply): answer = reply
          case .established(_, _, let established, let final):
            session = Session(established, settings: Session.Settings(), now: now)
            answer = final
          case .pending, .dropped: break
          }
        } else {
          _ = session?.receive(
            unsafe: datagram, header: header, now: now, wall: 0, outbox: &outbox, sink: &inbox)
        }
      }
      if var reply = answer {
        reply.withUnsafeMutableBytes { device.receive(unsafe: $0, now: now, wall: 0, sink: &nothing) }
      }
    }
  }
  return inbox.received
}

/// Takes messages. A real one passes them on before it returns.
private struct Inbox: MessageSink, ~Copyable {
  let pool: BufferPool
  var received: [UInt8] = []

  init(pool: BufferPool) { self.pool = pool }

  var isAccepting: Bool { true }
  mutating func opened(_ open: StreamOpen) -> StreamAdmission? { StreamAdmission(token: 0, position: 0, durable: 0) }
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {
    received = payload.withUnsafeBytes { [UInt8]($0) }
  }
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {
    received = message.bytes.withUnsafeBytes { [UInt8]($0.dropFirst(MessageTime.byteCount)) }
  }
  mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {}
  mutating func ended(token: Int, end: UInt64) {}
  mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }
}
