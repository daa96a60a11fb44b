import LinuxEvents
import LinuxUDP
import STC
import STTBuffers
import STTKeyring
import STTSession
import STTWire

/// A device on a socket of its own: it makes handshakes, or keeps one session and streams.
final class FloodDevice {
  /// Messages handed over and not yet delivered.
  private static let depth = 4 << 20
  private static let messageByteCount = 16_384

  let keys: PairKeys
  let socket: UDPSocket
  private let collector: UDPAddress
  private let pool: BufferPool
  private var endpoint: DeviceEndpoint
  private var receiving: ReceiveBatch
  private var sending = TransmitSlab()
  private var random = SystemRandomNumberGenerator()
  private var sink = NoIncoming()
  private(set) var counter: UInt64 = 0
  private var isClosing = false
  /// When it may speak; a HELLO that was made before is held back until then.
  var startsAt = UInt64.max
  private(set) var connectedAt: UInt64?
  /// What it sent of each kind, newest last: what somebody on the path has seen.
  private(set) var seenHellos: [[UInt8]] = []
  private(set) var seenProofs: [[UInt8]] = []
  private(set) var lastSealed: [UInt8] = []
  private var enqueuedByteCount: UInt64 = 0

  init(_ pair: PairFile, collector: UDPAddress, slabCount: Int) throws {
    let seed = try Seed(bytes: pair.seed.withUnsafeBytes { [UInt8]($0) })
    keys = PairKeys(
      seed: seed, pair: try Pair(initiatorID: pair.deviceID, responderID: pair.collectorID, epoch: pair.epoch))
    socket = try UDPSocket(bind: .loopback(port: 0))
    self.collector = collector
    pool = BufferPool([
      SlabClass(byteCount: Self.messageByteCount, count: slabCount > 1 ? Self.depth / Self.messageByteCount : 1),
      SlabClass(byteCount: 65_536, count: slabCount),
    ])
    guard let receiving = ReceiveBatch(slabCount: slabCount, pool: pool) else { throw BenchRun.ChildFailed(which: "device") }
    self.receiving = receiving
    endpoint = Self.endpoint(keys)
  }

  private static func endpoint(_ keys: PairKeys) -> DeviceEndpoint {
    var endpoint = DeviceEndpoint(
      keys: keys, offer: HandshakeOffer(suites: [Suite.preferred(aesInstructions: Processor.hasAESInstructions)]),
      settings: Session.Settings(), bootID: 1, now: MonotonicTime(nanoseconds: Clocks.monotonic))
    _ = endpoint.add(
      StreamOpen(
        largestMessage: UInt32(messageByteCount), delivery: .reliable, durability: .periodic, priority: 0,
        uid: StreamUID(high: 1, low: 1), incarnation: 1, firstMessage: 0, name: "bench", schemaEncoding: "",
        schemaName: "", schemaData: [], purpose: "bench"))
    return endpoint
  }

  var isConnected: Bool { endpoint.isConnected }

  /// Prepares the next handshake, to begin at `time`.
  func renew(at time: UInt64) {
    endpoint = Self.endpoint(keys)
    startsAt = time
    connectedAt = nil
    isClosing = false
  }

  /// The HELLO of the next handshake, made now and held back.
  func withheldHello() -> [UInt8]? {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    connect(now)
    var datagram = [UInt8](repeating: 0, count: FrameHeader.largestDatagram)
    let count = datagram.withUnsafeMutableBytes { endpoint.transmit(into: $0, now: now, wall: 0) }
    return count > 0 ? Array(datagram[..<count]) : nil
  }

  private func connect(_ now: MonotonicTime) {
    guard endpoint.wantsToConnect(now: now) else { return }
    if endpoint.needsCounter { counter += 1 }
    endpoint.connect(counter: counter, wall: 0, now: now, using: &random)
  }

  func close() {
    endpoint.close()
    isClosing = true
  }

  /// Hands over what is due of a stream of so many bytes a second that began at `start`.
  func stream(_ bytesPerSecond: Double, since start: UInt64) {
    let due = UInt64(Double(Clocks.monotonic - start) / 1e9 * bytesPerSecond)
    // What was due while nothing could be taken is not made up for.
    if due > enqueuedByteCount + UInt64(Self.depth) { enqueuedByteCount = due - UInt64(Self.depth) }
    while enqueuedByteCount < due, endpoint.outbox.byteCount < Self.depth,
      var lease = pool.lease(atLeast: Self.messageByteCount)
    {
      lease.count = Self.messageByteCount
      endpoint.enqueue(
        time: MessageTime(monotonicNanoseconds: Clocks.monotonic, wallNanoseconds: 0), head: nil, body: lease, on: 0)
      enqueuedByteCount += UInt64(Self.messageByteCount)
    }
  }

  /// Takes, keeps time, sends.
  func turn() {
    guard Clocks.monotonic >= startsAt else { return }
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    while Self.receive(&receiving, socket, &endpoint, &sink, now) {}
    endpoint.handleTimeout(now: now, using: &random)
    if !isClosing { connect(now) }
    if endpoint.isConnected, connectedAt == nil { connectedAt = now.nanoseconds }
    transmit(now)
    while endpoint.takeEvent() != nil {}
  }

  private static func receive(
    _ receiving: inout ReceiveBatch, _ socket: borrowing UDPSocket, _ endpoint: inout DeviceEndpoint,
    _ sink: inout NoIncoming, _ now: MonotonicTime
  ) -> Bool {
    receiving.receive(from: socket) { datagram, _, _ in
      endpoint.receive(unsafe: datagram, now: now, wall: 0, sink: &sink)
    }
  }

  private func transmit(_ now: MonotonicTime) {
    let collector = collector
    var seen: [[UInt8]] = []
    var last: [UInt8]?
    Self.drain(&sending, socket, &endpoint, now) { bytes in
      guard let type = bytes.count > 1 ? bytes[1] : nil else { return collector }
      if FrameType(rawValue: type).isHandshake { seen.append([UInt8](bytes)) } else if last == nil { last = [UInt8](bytes) }
      return collector
    }
    for datagram in seen {
      if datagram[1] == FrameType.hello.rawValue { seenHellos.append(datagram) } else { seenProofs.append(datagram) }
    }
    if seenProofs.count > 8 { seenProofs.removeFirst(seenProofs.count - 8) }
    if let last { lastSealed = last }
  }

  private static func drain(
    _ sending: inout TransmitSlab, _ socket: borrowing UDPSocket, _ endpoint: inout DeviceEndpoint, _ now: MonotonicTime,
    _ note: (UnsafeRawBufferPointer) -> UDPAddress
  ) {
    sending.drain(socket) { buffer in
      let count = endpoint.transmit(into: buffer, now: now, wall: 0)
      return count == 0 ? nil : (count, note(UnsafeRawBufferPointer(rebasing: buffer[..<count])), endpoint.mark.rawValue)
    }
  }

  /// When ``turn()`` is due if nothing arrives before.
  var deadline: UInt64 {
    max(startsAt, endpoint.deadline(now: MonotonicTime(nanoseconds: Clocks.monotonic)).nanoseconds)
  }
}

/// A device's end takes no streams.
private struct NoIncoming: MessageSink, ~Copyable {
  mutating func opened(_ open: StreamOpen) -> StreamAdmission? { nil }
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {}
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {}
  mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {}
  mutating func ended(token: Int, end: UInt64) {}
  var isAccepting: Bool { false }
  mutating func lease(atLeast byteCount: Int) -> Lease? { nil }
}
