import DequeModule
import STC
public import STTSession
public import STTWire

/// The collector's end of all its devices' links.
///
/// Feed it datagrams and the time; after each batch call ``transmit(into:now:wall:)`` until it
/// answers `nil`, and come back at ``deadline``. It reads no clock and owns no socket.
public struct CollectorEndpoint: ~Copyable {
  /// A datagram to send.
  public struct Outgoing: Hashable, Sendable {
    public var byteCount: Int
    public var address: PeerAddress
    /// How it is to be marked in its IP header.
    public var mark = ECN.notCapable
  }

  /// Answers to handshakes waiting for the socket; more are dropped, and come again when asked again.
  private static let mostReplies = 1024

  private var responder: ResponderHandshake
  /// Whose each of the responder's entries is: a device has one for each seed epoch that authenticates.
  private var credentials: [(peer: Int, epoch: UInt32, isLive: Bool)] = []
  private let settings: Session.Settings
  let share: SessionShare
  var table: SessionTable
  /// The sessions of each device: the live one, and one that is not yet confirmed.
  var sessionsOfPeer: [[Int]] = []
  /// Of which devices nothing is heard before their identity is known.
  var asksIdentity: [Bool] = []
  private var checksum = HeaderChecksum()
  private var replies = Deque<(datagram: [UInt8], address: PeerAddress)>()
  private var touched: [Int] = []
  private var isTouched: [Bool]
  var events = Deque<CollectorEvent>()
  /// Places of sessions whose messages wait for room in the sink.
  private var interrupted: [Int] = []
  /// No session begins any more.
  private(set) var isClosing = false
  /// What became of handshake datagrams.
  public var handshakes: HandshakeStatistics { responder.statistics }
  /// Datagrams that are no frame or name no session here.
  public private(set) var strayDatagrams: UInt64 = 0

  /// - Parameter share: which sessions are this endpoint's; those of other devices it hands over
  ///   (``CollectorEvent/handedOver(_:)``).
  public init<R: RandomNumberGenerator>(
    offer: HandshakeOffer, settings: Session.Settings, mostSessions: Int, handshakesPerSecond: UInt64 = 2000,
    share: SessionShare = .whole, now: MonotonicTime, using generator: inout R
  ) {
    self.share = share
    responder = ResponderHandshake(
      offer: offer, handshakesPerSecond: handshakesPerSecond, now: now, using: &generator)
    self.settings = settings
    table = SessionTable(capacity: mostSessions)
    isTouched = Array(repeating: false, count: mostSessions)
  }

  /// Adds a device; the index names it in events and to the sink.
  public mutating func add(_ peer: ResponderHandshake.Peer, now: MonotonicTime) -> Int {
    sessionsOfPeer.append([])
    asksIdentity.append(false)
    addEpoch(peer, of: sessionsOfPeer.count - 1, now: now)
    return sessionsOfPeer.count - 1
  }

  /// One more seed that device `peer` is known by.
  public mutating func addEpoch(_ entry: ResponderHandshake.Peer, of peer: Int, now: MonotonicTime) {
    let index = responder.add(entry, now: now)
    let credential = (peer: peer, epoch: entry.epoch, isLive: true)
    if index < credentials.count { credentials[index] = credential } else { credentials.append(credential) }
  }

  /// The seed of `epoch` authenticates device `peer` no more, and its sessions made with it end.
  public mutating func removeEpoch(_ epoch: UInt32, of peer: Int) {
    for index in credentials.indices
    where credentials[index].isLive && credentials[index].peer == peer && credentials[index].epoch == epoch {
      responder.remove(index)
      credentials[index].isLive = false
    }
    endSessions(of: peer, epoch: epoch)
  }

  /// Takes back a handshake whose session could not begin: its FINAL must not be sent again.
  public mutating func withdraw(credential: Int, counter: UInt64) {
    if credentials.indices.contains(credential) { responder.withdraw(peer: credential, counter: counter) }
  }

  public var sessionCount: Int { table.count }
  /// Of each session.
  package var footprints: [Footprint] {
    (0..<table.capacity).filter { table.isOccupied($0) }.map { table.slot($0).pointee.session.footprint }
  }
  public mutating func takeEvent() -> CollectorEvent? { events.popFirst() }
  public var hasEvents: Bool { !events.isEmpty }

  /// Takes one datagram. It is opened where it lies.
  ///
  /// - Parameter persist: called with the handshake counter of a device's seed epoch before its session exists; it
  ///   answers `false` when the counter could not be made safe, and the handshake is then refused.
  /// - Returns: the session it names, if there is none such here.
  @discardableResult
  public mutating func receive<R: RandomNumberGenerator, Sink: CollectorSink & ~Copyable>(
    unsafe datagram: UnsafeMutableRawBufferPointer, from address: PeerAddress, now: MonotonicTime, wall: UInt64,
    ecn: ECN = .notCapable, using generator: inout R, sink: inout Sink,
    persist: (_ peer: Int, _ epoch: UInt32, _ counter: UInt64) -> Bool
  ) -> SessionID? {
    let bytes = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(datagram))
    guard let header = try? FrameHeader(datagram: bytes, &checksum) else {
      strayDatagrams += 1
      return nil
    }
    if header.type.isHandshake {
      // Only the first thread knows the devices' seeds, and what its RETRYs were made with.
      guard share.thread == 0, !isClosing else {
        strayDatagrams += 1
        return nil
      }
      takeHandshake(bytes, header, from: address, now: now, using: &generator, persist: persist)
      return nil
    }
    guard let place = table.find(header.session) else {
      strayDatagrams += 1
      return header.session
    }
    let slot = table.slot(place)
    sink.select(peer: slot.pointee.peer, session: place)
    let wasConfirmed = slot.pointee.session.isConfirmed
    let oldest = slot.pointee.session.answersTo.0
    let reception = slot.pointee.session.receive(
      unsafe: datagram, header: header, now: now, wall: wall, ecn: ecn, outbox: &slot.pointee.outbox, sink: &sink)
    guard reception == .taken else { return nil }
    if slot.pointee.session.isInterrupted, !interrupted.contains(place) { interrupted.append(place) }
    if slot.pointee.session.takePeerMoved() {
      table.rename(place, forgetting: oldest)
      if let oldest { note(oldest, isAnswered: false) }
      note(slot.pointee.session.answersTo.2, isAnswered: true)
      slot.pointee.session.follow(random: generator.next(), now: now, outbox: &slot.pointee.outbox)
    }
    if slot.pointee.session.hasRekeyOffer {
      slot.pointee.session.acceptRekey(now: now, using: &generator, encapsulate: Encapsulated.to)
    }
    takeControlMessages(place)
    trackAddress(place, address, byteCount: datagram.count, now: now, using: &generator)
    if !wasConfirmed, isEstablished(place) { becomeProven(place) }
    touch(place)
    return nil
  }

  /// Writes the next datagram into `buffer`; `nil` when there is none now.
  public mutating func transmit(
    into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime, wall: UInt64
  ) -> Outgoing? {
    if let (datagram, address) = replies.popFirst() {
      datagram.withUnsafeBytes { buffer.copyMemory(from: $0) }
      return Outgoing(byteCount: datagram.count, address: address)
    }
    while let place = touched.last {
      let slot = table.slot(place)
      if let challenge = challenge(slot, into: buffer, now: now, wall: wall) { return challenge }
      let length = slot.pointee.session.transmit(
        into: buffer, now: now, wall: wall, outbox: &slot.pointee.outbox)
      if length > 0 {
        return Outgoing(byteCount: length, address: slot.pointee.address, mark: slot.pointee.session.mark)
      }
      touched.removeLast()
      isTouched[place] = false
      settle(place, now)
    }
    return nil
  }

  /// Does what time alone makes due in every session.
  public mutating func handleTimeout(now: MonotonicTime) {
    var start = 0
    while let place = table.due(at: now, from: start) {
      start = place + 1
      let slot = table.slot(place)
      slot.pointee.session.handleTimeout(now: now, outbox: &slot.pointee.outbox)
      if slot.pointee.identityDeadline <= now { refuse(place, .missing) }
      touch(place)
    }
  }

  /// When to call ``handleTimeout(now:)`` and ``transmit(into:now:wall:)`` if nothing arrives before.
  public var deadline: MonotonicTime { table.nextDeadline }

  /// Everything below `number` of the stream a sink admitted as `token` is on disk, in a recording whose chain has
  /// `head`.
  public mutating func markDurable(session place: Int, token: Int, below number: UInt64, head: RecordingHead? = nil) {
    guard place < table.capacity, table.isOccupied(place) else { return }
    table.slot(place).pointee.session.markDurable(token: token, below: number, head: head)
    touch(place)
  }

  /// Whether the sink had no room for messages when their turn came.
  public var isInterrupted: Bool { !interrupted.isEmpty }

  /// Goes on with those, session by session, as far as the sink has room now. Without this they wait for their session's next
  /// datagram: for their sender they have arrived.
  public mutating func resume<Sink: CollectorSink & ~Copyable>(sink: inout Sink) {
    for place in interrupted where table.isOccupied(place) && table.slot(place).pointee.session.isInterrupted {
      sink.select(peer: table.slot(place).pointee.peer, session: place)
      table.slot(place).pointee.session.resume(into: &sink)
      touch(place)
    }
    interrupted.removeAll { !table.isOccupied($0) || !table.slot($0).pointee.session.isInterrupted }
  }

  /// Ends every session, and begins none any more; the last datagrams come from ``transmit(into:now:wall:)``.
  public mutating func close() {
    isClosing = true
    for place in 0..<table.capacity where table.isOccupied(place) {
      table.slot(place).pointee.session.close(.shutdown)
      touch(place)
    }
  }

  /// Follows a device to another address once it has shown that it receives there
  /// (docs/protocol.md 2.14).
  private mutating func trackAddress<R: RandomNumberGenerator>(
    _ place: Int, _ address: PeerAddress, byteCount: Int, now: MonotonicTime, using generator: inout R
  ) {
    let slot = table.slot(place)
    if let candidate = slot.pointee.candidate, slot.pointee.session.takeEcho() == candidate.token {
      let old = slot.pointee.address
      slot.pointee.address = candidate.address
      slot.pointee.candidate = nil
      let sameHost = old.high == candidate.address.high && old.low == candidate.address.low
      slot.pointee.session.pathValidated(sameHost: sameHost, now: now)
      events.append(.moved(peer: slot.pointee.peer, session: place, from: old, to: candidate.address))
      return
    }
    guard slot.pointee.session.receivedNewest else { return }
    guard address != slot.pointee.address else {
      // It still speaks from where it was: somebody else forwarded its packets.
      slot.pointee.candidate = nil
      return
    }
    if slot.pointee.candidate?.address != address {
      slot.pointee.candidate = Candidate(address: address, token: generator.next(), now: now)
    }
    slot.pointee.candidate?.received(
      byteCount, now: now, patience: max(.milliseconds(100), slot.pointee.session.smoothedRoundTrip * 2))
  }

  private func challenge(
    _ slot: UnsafeMutablePointer<SessionSlot>, into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime,
    wall: UInt64
  ) -> Outgoing? {
    guard let candidate = slot.pointee.candidate, candidate.wantsChallenge else { return nil }
    let length = slot.pointee.session.transmitChallenge(into: buffer, token: candidate.token, now: now, wall: wall)
    slot.pointee.candidate?.challenged(length)
    return length > 0 ? Outgoing(byteCount: length, address: candidate.address) : nil
  }

  private mutating func takeHandshake<R: RandomNumberGenerator>(
    _ datagram: RawSpan, _ header: FrameHeader, from address: PeerAddress, now: MonotonicTime,
    using generator: inout R, persist: (_ peer: Int, _ epoch: UInt32, _ counter: UInt64) -> Bool
  ) {
    let outcome = responder.receive(
      datagram, header: header, from: address, now: now, using: &generator,
      isTaken: { id, credential in
        table.contains(id) || share.thread(of: id) != share.thread(of: credentials[credential].peer)
      }, encapsulate: Encapsulated.to)
    switch outcome {
    case .dropped, .pending: break
    case .reply(let datagram): reply(datagram, address)
    case .established(let index, let counter, let established, let final):
      let (peer, epoch, _) = credentials[index]
      let thread = share.thread(of: peer)
      guard persist(peer, epoch, counter) else { return responder.withdraw(peer: index, counter: counter) }
      let handover = Handover(
        thread: thread, credential: index, counter: counter, peer: peer, epoch: epoch, address: address,
        established: established,
        final: final)
      if thread != share.thread {
        events.append(.handedOver(handover))
      } else if !adopt(handover, now: now) {
        responder.withdraw(peer: index, counter: counter)
      }
    }
  }

  mutating func reply(_ datagram: [UInt8], _ address: PeerAddress) {
    if replies.count < Self.mostReplies { replies.append((datagram, address)) }
  }

  /// Whether there was room for it.
  mutating func install(
    _ established: Established, peer: Int, epoch: UInt32, address: PeerAddress, now: MonotonicTime
  ) -> Bool {
    guard !table.contains(established.session) else { return false }
    // At most one established session and one that is not: an older unproven one gives way.
    for place in sessionsOfPeer[peer] where !isEstablished(place) { remove(place, .closed) }
    var slot = SessionSlot(
      Session(established, settings: settings, now: now), peer: peer, epoch: epoch, address: address)
    if asksIdentity[peer] { slot.awaitIdentity(established, now: now) }
    guard let place = table.insert(slot) else { return false }
    sessionsOfPeer[peer].append(place)
    events.append(.established(peer: peer, session: place, address: address, established))
    let names = table.slot(place).pointee.session.answersTo
    note(names.1, isAnswered: true)
    note(names.2, isAnswered: true)
    touch(place)
    return true
  }

  /// The device has the keys, and is who it should be.
  mutating func becomeProven(_ place: Int) {
    retireOthers(than: place)
    let slot = table.slot(place)
    events.append(.proven(peer: slot.pointee.peer, session: place, epoch: slot.pointee.epoch))
  }

  /// Make before break: the old session lives until the new one has spoken (docs/protocol.md 2.10).
  mutating func retireOthers(than place: Int) {
    let peer = table.slot(place).pointee.peer
    for other in sessionsOfPeer[peer] where other != place { remove(other, .closed) }
  }

  private mutating func remove(_ place: Int, _ end: Session.End) {
    let slot = table.remove(place)
    let names = slot.session.answersTo
    if let previous = names.0 { note(previous, isAnswered: false) }
    note(names.1, isAnswered: false)
    note(names.2, isAnswered: false)
    sessionsOfPeer[slot.peer].removeAll { $0 == place }
    if isTouched[place] {
      isTouched[place] = false
      touched.removeAll { $0 == place }
    }
    events.append(.ended(peer: slot.peer, session: place, slot.session.end ?? end, slot.session.statistics))
  }

  mutating func touch(_ place: Int) {
    if !isTouched[place] {
      isTouched[place] = true
      touched.append(place)
    }
  }

  /// After a session said all it had to: is it over, is its clock known better, when is it due.
  private mutating func settle(_ place: Int, _ now: MonotonicTime) {
    let slot = table.slot(place)
    if slot.pointee.session.isFinished {
      remove(place, .closed)
      return
    }
    if let clock = slot.pointee.session.clock, clock != slot.pointee.reportedClock {
      slot.pointee.reportedClock = clock
      events.append(.clock(peer: slot.pointee.peer, session: place, clock))
    }
    table.setDeadline(place, min(slot.pointee.session.deadline(now: now), slot.pointee.identityDeadline))
  }
}
