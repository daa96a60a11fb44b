import LinuxEvents
import LinuxUDP
import STC
import STTBuffers
import STTWire

// The ceiling: the same cipher calls on the same sockets, with nothing between. Nothing is
// acknowledged, nothing comes again, and what the receiver cannot keep up with is lost.

/// The keys both ends of the ceiling use.
private func rawSecret(_ plan: BenchPlan) throws -> TrafficSecret {
  let zero = Transcript(hash: [UInt8](repeating: 0, count: 32))
  return EarlySecret(try plan.keys()).handshakeSecret(zero, agreement: nil)
    .masterSecret(h3: zero, h4: zero, encapsulated: nil).sessionKeys.initiatorToResponder
}

/// Parts of a message as the session cuts it.
private func rawPart(_ plan: BenchPlan) -> Int {
  let capacity = plan.datagramByteCount - SealedDatagram.overheadByteCount - DataPrefix.partByteCount
  let parts = (plan.messageByteCount + capacity - 1) / capacity
  return (plan.messageByteCount + parts - 1) / parts
}

enum RawSender {
  static func run(_ plan: BenchPlan, port: UInt16) throws -> BenchFigures {
    let socket = try UDPSocket(bind: .any(port: 0))
    _ = socket.requestSendBuffer(8 << 20)
    let to = UDPAddress.loopback(port: port)
    var sealer = PacketSealer<InPlaceEngine>(try rawSecret(plan), suite: plan.suite)
    var slab = TransmitSlab()
    let part = rawPart(plan)
    let message = UnsafeMutableRawBufferPointer.allocate(byteCount: max(plan.messageByteCount, 1), alignment: 4096)
    defer { message.deallocate() }
    message.initializeMemory(as: UInt8.self, repeating: 7)
    let poller = try Poller()
    try poller.add(socket.descriptor, .writable, token: 0)
    return try blast(plan, &sealer, &slab, socket, poller, to, UnsafeRawBufferPointer(rebasing: message[0..<part]))
  }

  private static func blast(
    _ plan: BenchPlan, _ sealer: inout PacketSealer<InPlaceEngine>, _ slab: inout TransmitSlab,
    _ socket: borrowing UDPSocket, _ poller: consuming Poller, _ to: UDPAddress, _ body: UnsafeRawBufferPointer
  ) throws -> BenchFigures {
    var poller = poller
    var meter = BenchMeter(seconds: plan.seconds)
    let end = Clocks.monotonic + UInt64(plan.seconds) * 1_000_000_000
    while Clocks.monotonic < end {
      var count = 0
      slab.drain(socket) { buffer in
        guard count < 736 else { return nil }
        count += 1
        return (sealer.sealRaw(buffer, body), to, 0)
      }
      meter.note(messages: UInt64(count), bytes: UInt64(count * body.count))
      if sealer.packetsUnderKey >= 1 << 20 { sealer.ratchet() }
      if slab.isBlocked { try poller.wait(until: .max) }
    }
    // Goodbye, in datagrams too short to be packets, over and over until the receiver has emptied its
    // buffer. Nothing is waited for but time: its answer would be a session's.
    try poller.modify(socket.descriptor, [], token: 0)
    for _ in 0..<64 {
      var isSent = false
      slab.drain(socket) { buffer in
        guard !isSent else { return nil }
        isSent = true
        buffer[0] = 0
        return (1, to, 0)
      }
      try poller.wait(until: Clocks.monotonic + 2_000_000)
    }
    return meter.figures()
  }
}

extension PacketSealer where Engine == InPlaceEngine {
  /// A DATA datagram around `body`; answers its length.
  fileprivate mutating func sealRaw(_ buffer: UnsafeMutableRawBufferPointer, _ body: UnsafeRawBufferPointer) -> Int {
    let length = SealedDatagram.overheadByteCount + DataPrefix.partByteCount + body.count
    let header = FrameHeader(
      type: .data, flags: [], session: SessionID(rawValue: 1), stream: 1,
      payloadByteCount: length - FrameHeader.byteCount)
    _ = seal(
      unsafe: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<length]), header: header,
      prefix: DataPrefix.partByteCount, body: body)
    return length
  }
}

enum RawReceiver {
  static func run(_ plan: BenchPlan) throws -> BenchFigures {
    let socket = try UDPSocket(bind: .loopback(port: 0))
    _ = socket.requestReceiveBuffer(16 << 20)
    output("\(socket.local.port)\n")
    let pool = BufferPool([SlabClass(byteCount: 65_536, count: 16)])
    guard var receiving = ReceiveBatch(pool: pool) else { throw BenchRun.ChildFailed(which: "receiving") }
    var opener = PacketOpener<InPlaceEngine>(try rawSecret(plan), suite: plan.suite, windowBitCount: 8192)
    var poller = try Poller()
    try poller.add(socket.descriptor, .readable, token: 0)
    var meter = BenchMeter(seconds: plan.seconds)
    var checksum = HeaderChecksum()
    var isOver = false
    let limit = Clocks.monotonic + UInt64(plan.seconds + 20) * 1_000_000_000
    while !isOver, Clocks.monotonic < limit {
      var more = true
      while more {
        var opened: UInt64 = 0
        var bytes: UInt64 = 0
        more = receiving.receive(from: socket) { datagram, _, _ in
          guard datagram.count > SealedDatagram.overheadByteCount else {
            isOver = true
            return
          }
          let span = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(datagram))
          guard let header = try? FrameHeader(datagram: span, &checksum),
            case .opened(let number) = opener.open(unsafe: datagram, header: header)
          else { return }
          opener.accept(number)
          opened += 1
          bytes += UInt64(datagram.count - SealedDatagram.overheadByteCount - DataPrefix.partByteCount)
        }
        meter.note(messages: opened, bytes: bytes)
      }
      if !isOver { try poller.wait(until: limit) }
    }
    return meter.figures()
  }
}
