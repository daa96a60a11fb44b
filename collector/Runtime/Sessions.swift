import DequeModule
import LinuxEvents
import Logging
import STC
import STTBoard
import STTBuffers
import STTIngest
import STTKeyring
import STTRecorder
import STTSession
import STTWebSocketServer
import STTWire

/// The sessions of one receive thread, and what it does with what they bring.
struct Sessions: ~Copyable {
  let share: SessionShare
  let threads: ReceiveThreads
  let devices: [KnownDevice]
  let log: Logger
  var endpoint: CollectorEndpoint
  var sink: RecordingSink
  /// For who decides.
  var news = Deque<SessionNews>()
  private static let mostAstrayPerTurn = 512
  private var passedOnCount: UInt64 = 0
  private let lane: RecorderLane
  private let tally: Tally
  private var random = SystemRandomNumberGenerator()

  init(
    _ configuration: CollectorConfiguration, share: SessionShare, threads: ReceiveThreads, devices: [KnownDevice],
    pool: BufferPool, channel: RecorderChannel, log: Logger
  ) {
    self.share = share
    self.threads = threads
    self.devices = devices
    self.log = log
    lane = channel.lanes[share.thread]
    tally = threads.tallies[share.thread]
    let suites: [Suite] =
      Processor.hasAESInstructions ? [.aes256GCM, .chaCha20Poly1305] : [.chaCha20Poly1305, .aes256GCM]
    endpoint = CollectorEndpoint(
      offer: HandshakeOffer(
        modes: [.hybrid, .seed], suites: suites,
        maximumDatagram: UInt16(clamping: configuration.maximumDatagramByteCount)),
      settings: Session.Settings(largestDatagramByteCount: configuration.maximumDatagramByteCount),
      mostSessions: configuration.limits.sessionCount,
      handshakesPerSecond: UInt64(configuration.limits.handshakesPerSecond), share: share,
      now: MonotonicTime(nanoseconds: Clocks.monotonic), using: &random)
    sink = RecordingSink(
      pool: pool, lane: lane, channel: channel, deviceNames: devices.map(\.pair.name),
      largestMessage: configuration.limits.maximumMessageByteCount, tally: tally)
  }

  /// Takes over how far the streams of this thread's devices were recorded before.
  mutating func recall(_ positions: [RecordedPosition]) {
    var own: Set<String> = []
    for peer in devices.indices where share.thread(of: peer) == share.thread { own.insert(devices[peer].pair.name) }
    for position in positions where own.contains(position.device) {
      guard let uid = StreamUID(text: position.uid) else { continue }
      sink.ledger.recovered(
        .init(device: position.device, uid: uid, incarnation: position.incarnation), position: position.position)
    }
  }

  /// - Parameter persist: see ``CollectorEndpoint``.
  mutating func take(
    _ datagram: UnsafeMutableRawBufferPointer, from source: PeerAddress, ecn: ECN, now: MonotonicTime, wall: UInt64,
    persist: (_ peer: Int, _ epoch: UInt32, _ counter: UInt64) -> Bool
  ) {
    sink.prepare()
    sink.wall = wall
    let unknown = endpoint.receive(
      unsafe: datagram, from: source, now: now, wall: wall, ecn: ecn, using: &random, sink: &sink, persist: persist)
    if let unknown, share.count > 1 { passOn(datagram, named: unknown, from: source, ecn) }
  }

  /// A datagram for the session `id`, which is another thread's if anybody's.
  private mutating func passOn(
    _ datagram: UnsafeMutableRawBufferPointer, named id: SessionID, from source: PeerAddress, _ ecn: ECN
  ) {
    guard let thread = threads.names.thread(of: id), thread != share.thread else { return }
    if threads.astray[thread].push(datagram, from: source, ecn) { passedOnCount += 1 }
  }

  /// What other threads received for this one's sessions, and no more of it than one turn has room for: the rest of
  /// them has to be sent to, too.
  mutating func takeAstray(now: MonotonicTime, wall: UInt64) {
    guard share.count > 1 else { return }
    defer { threads.astray[share.thread].remind() }
    var left = Self.mostAstrayPerTurn
    while left > 0, let datagram = threads.astray[share.thread].pop() {
      left -= 1
      let bytes = UnsafeMutableRawBufferPointer(start: datagram.lease.unsafeBase, count: datagram.lease.count)
      take(bytes, from: datagram.source, ecn: datagram.ecn, now: now, wall: wall) { _, _, _ in false }
    }
  }

  mutating func takeMarks() {
    while let mark = lane.marks.pop() {
      sink.ledger.durable(mark)
      let session = sink.ledger.entries[mark.token].session
      if session >= 0 {
        endpoint.markDurable(session: session, token: mark.token, below: mark.number, head: mark.head)
      }
    }
  }

  /// Goes on with messages the recorder had no room for, should their devices have nothing more to say.
  mutating func resume(wall: UInt64) {
    guard endpoint.isInterrupted else { return }
    sink.prepare()
    sink.wall = wall
    endpoint.resume(sink: &sink)
  }

  mutating func apply(_ order: SessionOrder, wall: UInt64) {
    switch order {
    case .adopt(let handover):
      if !endpoint.adopt(handover, now: MonotonicTime(nanoseconds: Clocks.monotonic)) {
        news.append(.declined(credential: handover.credential, counter: handover.counter))
      }
    case .admit(let session, let id): endpoint.admit(session: session, id: id)
    case .refuse(let session, let id, let reason): endpoint.refuse(session: session, id: id, text: reason)
    case .endSessions(let peer, let epoch): endpoint.endSessions(of: peer, epoch: epoch)
    case .offerSeed(let offer): self.offer(offer)
    case .note(let event, let peer): sink.note(event, device: peer, wall: wall)
    case .close: endpoint.close()
    case .leave: break
    }
  }

  private mutating func offer(_ offer: SeedOffer) {
    let name = devices[offer.peer].pair.name
    if endpoint.canOfferSeed(to: offer.peer) {
      var seed = offer.seed.seed.withUnsafeBytes { [UInt8]($0) }
      defer { for index in seed.indices { seed[index] = 0 } }
      if endpoint.offerSeed(
        epoch: offer.seed.number, overlapSeconds: offer.seed.overlapSeconds, seed: seed, to: offer.peer)
      {
        log.notice("\(name): offering seed epoch \(offer.seed.number)")
      }
    } else if offer.connectedWith != nil {
      log.warning(
        "\(name): seed epoch \(offer.seed.number) waits, and this session may not carry it: only a HYBRID session of a device that proves its identity may. Bring \(offer.place) to the device by hand."
      )
    }
  }

  /// Records and tells what happened; ``news`` has what others decide on.
  mutating func takeEvents(wall: UInt64) {
    while let event = endpoint.takeEvent() {
      switch event {
      case .established(let peer, let session, let address, let established):
        tally.sessions(of: peer, changedBy: 1)
        log.info(
          "\(devices[peer].pair.name) connected\(address.isWebSocket ? " by WebSocket" : ""): \(established.mode), \(established.suite)"
        )
        note("connected", "\(established.mode) \(established.suite)", peer, wall)
        if devices[peer].identity != .off {
          news.append(.began(peer: peer, session: session, established.session))
        }
      case .ended(let peer, let session, let end, let statistics):
        tally.sessions(of: peer, changedBy: -1)
        sink.ledger.sessionEnded(session)
        let recovered = statistics.framesRecovered
        let parity = recovered > 0 ? "; \(recovered) lost frame(s) came from parity" : ""
        log.info("\(devices[peer].pair.name) disconnected: \(end)\(parity)")
        note("disconnected", "\(end)", peer, wall, count: statistics.packetsReceived)
      case .moved(let peer, _, _, let address):
        let way = address.isWebSocket ? "another WebSocket connection" : "another address"
        log.info("\(devices[peer].pair.name) goes on from \(way)")
        note("moved", way, peer, wall)
      case .clock(let peer, _, let estimate): sink.noteClock(estimate, device: peer, wall: wall)
      case .handedOver(let handover): threads.orders[handover.thread].post(.adopt(handover))
      case .answers(let id): threads.names.note(id, thread: share.thread)
      case .answersNoMore(let id): threads.names.forget(id, thread: share.thread)
      case .identity(let peer, let session, let id, let key):
        news.append(.shown(peer: peer, session: session, id, key))
      case .identityMissing(let peer, _, let flaw): news.append(.missing(peer: peer, flaw))
      case .proven(let peer, _, let epoch): news.append(.proven(peer: peer, epoch: epoch))
      case .seedStored(let peer, let epoch): news.append(.stored(peer: peer, epoch: epoch))
      case .seedRefused(let peer, let epoch, let refusal):
        news.append(.refused(peer: peer, epoch: epoch, refusal))
      }
    }
    tally.show(
      sessions: endpoint.sessionCount, stray: endpoint.strayDatagrams - passedOnCount, passedOn: passedOnCount)
  }

  private mutating func note(_ kind: String, _ detail: String, _ peer: Int, _ wall: UInt64, count: UInt64 = 0) {
    sink.note(RecordingEvent(kind: kind, detail: detail, count: count), device: peer, wall: wall)
  }
}
