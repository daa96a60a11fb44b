import LinuxEvents
import LinuxUDP
import STTBuffers
import STTIngest
import STTSession
import STTWire

/// Receives through a real collector endpoint and counts whole messages.
struct BenchReceiver: ~Copyable {
  private let plan: BenchPlan
  private let socket: UDPSocket
  private var core: Core
  private var receiving: ReceiveBatch
  private var sending = TransmitSlab()
  private var poller: Poller

  /// Endpoint and sink, apart from the socket's buffers.
  private struct Core: ~Copyable {
    var endpoint: CollectorEndpoint
    var sink: CountingSink
    var random = SystemRandomNumberGenerator()

    mutating func take(_ datagram: UnsafeMutableRawBufferPointer, _ source: UDPAddress, _ ecn: UInt8, _ now: MonotonicTime) {
      endpoint.receive(
        unsafe: datagram,
        from: PeerAddress(high: source.high, low: source.low, port: source.port, scope: source.scope), now: now,
        wall: 0, ecn: ECN(bits: ecn), using: &random, sink: &sink
      ) { _, _, _ in true }
    }
  }

  static func open(_ plan: BenchPlan) throws -> BenchReceiver {
    let socket = try UDPSocket(bind: .loopback(port: 0))
    _ = socket.requestReceiveBuffer(16 << 20)
    _ = socket.requestSendBuffer(8 << 20)
    let pool = BufferPool([
      SlabClass(byteCount: 2048, count: 8192), SlabClass(byteCount: 70_000, count: 512),
      SlabClass(byteCount: (16 << 20) + 16, count: 4),
    ])
    guard let receiving = ReceiveBatch(pool: pool) else { throw BenchRun.ChildFailed(which: "receiving") }
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    var random = SystemRandomNumberGenerator()
    var endpoint = CollectorEndpoint(
      offer: plan.offer, settings: plan.settings, mostSessions: 4, now: now, using: &random)
    _ = endpoint.add(.init(keys: try plan.keys(), epoch: 1, lastCounter: 0), now: now)
    let poller = try Poller()
    try poller.add(socket.descriptor, .readable, token: 0)
    let sink = CountingSink(pool: pool, plan)
    return BenchReceiver(
      plan: plan, socket: socket, core: Core(endpoint: endpoint, sink: sink), receiving: receiving, poller: poller)
  }

  private init(
    plan: BenchPlan, socket: consuming UDPSocket, core: consuming Core, receiving: consuming ReceiveBatch,
    poller: consuming Poller
  ) {
    self.plan = plan
    self.socket = socket
    self.core = core
    self.receiving = receiving
    self.poller = poller
  }

  var port: UInt16 { socket.local.port }

  /// Until the sender says goodbye.
  mutating func run() throws -> BenchFigures {
    var meter = BenchMeter(seconds: plan.seconds)
    var isOver = false
    let limit = Clocks.monotonic + UInt64(plan.seconds + 40) * 1_000_000_000
    while !isOver, Clocks.monotonic < limit {
      Self.exchange(&receiving, &sending, socket, &core)
      meter.note(messages: core.sink.takeCount(), bytes: core.sink.takeBytes())
      while let event = core.endpoint.takeEvent() {
        if case .ended = event { isOver = true }
      }
      if isOver { break }
      try poller.wait(until: min(core.endpoint.deadline.nanoseconds, limit))
    }
    var figures = meter.figures()
    figures.onTime = core.sink.onTime
    if let ages = core.sink.ages { figures.note(ages) }
    return figures
  }

  private static func exchange(
    _ receiving: inout ReceiveBatch, _ sending: inout TransmitSlab, _ socket: borrowing UDPSocket, _ core: inout Core
  ) {
    var more = true
    while more {
      let now = MonotonicTime(nanoseconds: Clocks.monotonic)
      more = receiving.receive(from: socket) { datagram, source, ecn in core.take(datagram, source, ecn, now) }
      core.endpoint.handleTimeout(now: now)
      sending.drain(socket) { buffer in
        guard let outgoing = core.endpoint.transmit(into: buffer, now: now, wall: 0) else { return nil }
        let to = outgoing.address
        return (
          outgoing.byteCount, UDPAddress(high: to.high, low: to.low, port: to.port, scope: to.scope), outgoing.mark.rawValue
        )
      }
    }
  }
}
