import LinuxEvents
import LinuxUDP
import STTBuffers
import STTIngest
import STTWire

/// Where HELLO and AUTH_PROOF arrive: sockets of their own on the collector's port, so that a flood of them fills
/// no buffer that sessions need, and is read after them (docs/protocol.md 2.5).
struct HandshakeLanes: ~Copyable {
  /// Between reads while they keep coming: a flood is read in whole batches instead of waking the thread for each.
  private static let pause: UInt64 = 250_000
  private static let batchCount = 64
  /// AUTH_PROOF is the longest.
  private static let slabByteCount = 2048
  private static let bufferByteCount = 1 << 20
  /// Where a frame's type lies.
  private static let typeOffset: UInt32 = 1

  private let sockets: UDPLanes
  private var hellos: ReceiveBatch
  private var proofs: ReceiveBatch
  private let token: UInt64
  private var resumesAt: UInt64?

  /// - Parameters:
  ///   - socket: bound first.
  ///   - share: of `socket`; the others' are bound already.
  /// - Returns: `nil` where the kernel can't tell datagrams apart: all may arrive at any socket then.
  init?(beside socket: borrowing UDPSocket, share: SessionShare, pool: BufferPool, token: UInt64) {
    guard let hellos = ReceiveBatch(slabCount: Self.batchCount, slabByteCount: Self.slabByteCount, pool: pool),
      let proofs = ReceiveBatch(slabCount: Self.batchCount, slabByteCount: Self.slabByteCount, pool: pool),
      let sockets = UDPLanes(
        beside: socket, byteAt: Self.typeOffset, second: FrameType.hello.rawValue,
        third: FrameType.authProof.rawValue,
        spread: UDPSpread(offset: SessionShare.idOffset, count: share.count, key: share.key.words))
    else { return nil }
    _ = sockets.second.requestReceiveBuffer(Self.bufferByteCount)
    _ = sockets.third.requestReceiveBuffer(Self.bufferByteCount)
    self.sockets = sockets
    self.hellos = hellos
    self.proofs = proofs
    self.token = token
  }

  func watch(_ poller: borrowing Poller) throws {
    try poller.add(sockets.second.descriptor, .readable, token: token)
    try poller.add(sockets.third.descriptor, .readable, token: token)
  }

  /// When to call ``receive(_:now:_:)`` if nothing happens before.
  var wakeTime: UInt64 { resumesAt ?? .max }

  /// Reads at most one batch of each kind.
  mutating func receive(
    _ poller: borrowing Poller, now: UInt64,
    _ body: (_ datagram: UnsafeMutableRawBufferPointer, _ source: UDPAddress, _ ecn: UInt8) -> Void
  ) {
    if let resumesAt, now < resumesAt { return }
    var count = 0
    _ = hellos.receive(from: sockets.second) { datagram, source, ecn in
      count += 1
      body(datagram, source, ecn)
    }
    _ = proofs.receive(from: sockets.third) { datagram, source, ecn in
      count += 1
      body(datagram, source, ecn)
    }
    let wasResting = resumesAt != nil
    resumesAt = count > 0 ? now + Self.pause : nil
    guard wasResting != (count > 0) else { return }
    let interest: Poller.Interest = count > 0 ? [] : .readable
    // A descriptor that stays watched wakes the thread too often, and does no harm.
    try? poller.modify(sockets.second.descriptor, interest, token: token)
    try? poller.modify(sockets.third.descriptor, interest, token: token)
  }
}
