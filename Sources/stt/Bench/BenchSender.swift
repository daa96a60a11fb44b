import LinuxEvents
import LinuxUDP
import STTBuffers
import STTSession
import STTWire

/// Sends messages through a real session as fast as they are delivered.
struct BenchSender: ~Copyable {
  /// Message bytes handed over and not yet delivered …
  private static let depth = 8 << 20
  /// … and of a durable stream not yet synced: what comes while a disk syncs, and before it does so again.
  private static let durableDepth = 256 << 20
  private static let batchByteCount = 65_536

  private let plan: BenchPlan
  private let socket: UDPSocket
  private let collector: UDPAddress
  private let pool: BufferPool
  private var link: BenchLink
  private var receiving: ReceiveBatch
  private var sending = TransmitSlab()
  private var poller: Poller
  /// When the next message of a pace is due.
  private var nextDue: UInt64 = 0
  private var waitsForRoom = false
  /// Handed over so far.
  private var messages: UInt64 = 0
  private var bytes: UInt64 = 0

  static func open(_ plan: BenchPlan, port: UInt16) throws -> BenchSender {
    let socket = try UDPSocket(bind: .any(port: 0))
    _ = socket.requestReceiveBuffer(8 << 20)
    _ = socket.requestSendBuffer(8 << 20)
    let kept = plan.isDurable ? durableDepth : depth
    let most = max(8, kept * 2 / max(plan.messageByteCount, Self.batchByteCount))
    let pool = BufferPool([
      SlabClass(byteCount: 65_536, count: 64 + most), SlabClass(byteCount: max(65_537, plan.messageByteCount), count: most),
    ])
    guard let receiving = ReceiveBatch(slabCount: 4, pool: pool) else { throw BenchRun.ChildFailed(which: "sending") }
    let poller = try Poller()
    try poller.add(socket.descriptor, .readable, token: 0)
    return BenchSender(
      plan: plan, socket: socket, collector: .loopback(port: port), pool: pool, link: try BenchLink(plan),
      receiving: receiving, poller: poller)
  }

  private init(
    plan: BenchPlan, socket: consuming UDPSocket, collector: UDPAddress, pool: BufferPool, link: consuming BenchLink,
    receiving: consuming ReceiveBatch, poller: consuming Poller
  ) {
    self.plan = plan
    self.socket = socket
    self.collector = collector
    self.pool = pool
    self.link = link
    self.receiving = receiving
    self.poller = poller
  }

  mutating func run() throws -> BenchFigures {
    var meter = BenchMeter(seconds: plan.seconds)
    var end = UInt64.max
    let limit = Clocks.monotonic + UInt64(plan.seconds + 30) * 1_000_000_000
    var lost: UInt64 = 0
    while Clocks.monotonic < limit {
      let now = Clocks.monotonic
      if end == .max, link.isConnected { end = now + UInt64(plan.seconds) * 1_000_000_000 }
      if now < end, end != .max {
        let before = (messages, bytes)
        if plan.paceBitsPerSecond > 0 { sendDue(now) } else { fill() }
        meter.note(messages: messages - before.0, bytes: bytes - before.1)
      }
      Self.exchange(&receiving, &sending, socket, &link, collector)
      if now >= end, link.isRelieved { break }
      lost = link.packetsLost
      if sending.isBlocked != waitsForRoom {
        waitsForRoom = sending.isBlocked
        try poller.modify(socket.descriptor, waitsForRoom ? [.readable, .writable] : .readable, token: 0)
      }
      let more = now < end && hasRoom && link.isConnected
      if plan.paceBitsPerSecond > 0 {
        try poller.wait(until: min(link.deadline, link.isConnected && now < end ? nextDue : .max))
      } else {
        try poller.wait(until: more ? 0 : link.deadline)
      }
    }
    let age = meter.age
    let isRelieved = link.isRelieved
    link.close()
    Self.exchange(&receiving, &sending, socket, &link, collector)
    var figures = meter.figures(packetsLost: lost)
    if plan.isDurable {
      guard isRelieved else { throw BenchRun.ChildFailed(which: "sending") }
      figures.seconds = age
    }
    figures.steadyMessages = figures.messages - min(figures.messages, plan.unsteadyMessageCount)
    return figures
  }

  /// Hands over the messages that are due. One that finds no memory is a message all the same.
  private mutating func sendDue(_ now: UInt64) {
    if nextDue == 0 { nextDue = now }
    while nextDue <= now {
      let byteCount = plan.byteCount(ofMessage: messages)
      if var lease = pool.lease(atLeast: byteCount) {
        lease.count = byteCount
        link.send(lease, time: nextDue)
      }
      count(1, byteCount)
      nextDue += UInt64(plan.messageByteCount * 8) * 1_000_000_000 / plan.paceBitsPerSecond
    }
  }

  /// Hands over as many messages as the depth allows.
  private mutating func fill() {
    while hasRoom {
      if plan.messageByteCount > Self.batchByteCount / 2 {
        let byteCount = plan.byteCount(ofMessage: messages)
        guard var lease = pool.lease(atLeast: byteCount) else { return }
        lease.count = byteCount
        link.send(lease, time: Clocks.monotonic)
        count(1, byteCount)
      } else {
        guard var lease = pool.lease(atLeast: Self.batchByteCount) else { return }
        lease.count = Self.batchByteCount
        count(link.send(lease, cutInto: plan.messageByteCount), plan.messageByteCount)
      }
    }
  }

  private var hasRoom: Bool {
    guard plan.isDurable else { return link.byteCount < Self.depth }
    return Int(messages - link.delivered) * plan.messageByteCount < Self.depth && link.byteCount < Self.durableDepth
  }

  private mutating func count(_ number: Int, _ byteCount: Int) {
    messages += UInt64(number)
    bytes += UInt64(number * byteCount)
  }

  private static func exchange(
    _ receiving: inout ReceiveBatch, _ sending: inout TransmitSlab, _ socket: borrowing UDPSocket,
    _ link: inout BenchLink, _ collector: UDPAddress
  ) {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    while receiving.receive(from: socket, { datagram, _, ecn in link.take(datagram, ecn, now: now) }) {}
    link.keepTime(now)
    sending.drain(socket) { buffer in
      let byteCount = link.transmit(into: buffer, now: now)
      return byteCount == 0 ? nil : (byteCount, collector, link.mark)
    }
  }
}

/// The sender's endpoint and its one stream.
struct BenchLink: ~Copyable {
  private var endpoint: DeviceEndpoint
  private var random = SystemRandomNumberGenerator()
  /// The receiver is as new as the sender: its window begins here.
  private var counter: UInt64 = 0
  private var sink = NoStreams()
  private let stream = 0

  init(_ plan: BenchPlan) throws {
    endpoint = DeviceEndpoint(
      keys: try plan.keys(), offer: plan.offer, settings: plan.settings, bootID: 1,
      now: MonotonicTime(nanoseconds: Clocks.monotonic))
    _ = endpoint.add(
      StreamOpen(
        largestMessage: UInt32(plan.messageByteCount),
        delivery: plan.deadlineMilliseconds > 0 ? .partial : .reliable,
        durability: plan.isDurable ? .durable : .periodic, priority: 0,
        deadlineMilliseconds: UInt32(plan.deadlineMilliseconds),
        uid: StreamUID(high: 1, low: 1), incarnation: 1, firstMessage: 0, name: "bench", schemaEncoding: "",
        schemaName: "", schemaData: [], purpose: "bench"),
      parity: plan.fec.parity)
  }

  var isConnected: Bool { endpoint.isConnected }
  var isRelieved: Bool { endpoint.outbox.isEmpty }
  var byteCount: Int { endpoint.outbox.byteCount }
  /// Messages.
  var delivered: UInt64 { endpoint.outbox.delivered(stream) }
  var packetsLost: UInt64 { endpoint.statistics?.packetsLost ?? 0 }
  var deadline: UInt64 { endpoint.deadline(now: MonotonicTime(nanoseconds: Clocks.monotonic)).nanoseconds }

  mutating func send(_ lease: consuming Lease, time: UInt64) {
    endpoint.enqueue(
      time: MessageTime(monotonicNanoseconds: time, wallNanoseconds: 0), head: nil, body: lease, on: stream)
  }

  /// Sends a buffer as messages of `byteCount` lying side by side; answers how many.
  mutating func send(_ lease: consuming Lease, cutInto byteCount: Int) -> Int {
    var offset = 0
    let time = MessageTime(monotonicNanoseconds: Clocks.monotonic, wallNanoseconds: 0)
    return endpoint.enqueue(lease, on: stream) { buffer in
      guard offset + byteCount <= buffer.count else { return nil }
      defer { offset += byteCount }
      return (time, offset, byteCount)
    }
  }

  var mark: UInt8 { endpoint.mark.rawValue }

  mutating func take(_ datagram: UnsafeMutableRawBufferPointer, _ ecn: UInt8, now: MonotonicTime) {
    endpoint.receive(unsafe: datagram, now: now, wall: 0, ecn: ECN(bits: ecn), sink: &sink)
  }

  mutating func keepTime(_ now: MonotonicTime) {
    endpoint.handleTimeout(now: now, using: &random)
    guard endpoint.wantsToConnect(now: now) else { return }
    if endpoint.needsCounter { counter += 1 }
    endpoint.connect(counter: counter, wall: 0, now: now, using: &random)
  }

  mutating func transmit(into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime) -> Int {
    endpoint.transmit(into: buffer, now: now, wall: 0)
  }

  mutating func close() { endpoint.close() }
}
