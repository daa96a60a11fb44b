import Glibc
import LinuxEvents
import STTBuffers
import Testing

@testable import LinuxUDP

/// The loopback addresses that this machine has, with a port of the kernel's choice.
enum Loopback {
  static let ipv4 = UDPAddress.loopback(port: 0)
  static let ipv6 = UDPAddress(high: 0, low: 1, port: 0)
  static let hasIPv6 = (try? UDPSocket(bind: ipv6).local) != nil
  static let all = hasIPv6 ? [ipv4, ipv6] : [ipv4]
}

/// One datagram as a test saw it.
struct Seen: Equatable {
  var bytes: [UInt8]
  var source: UDPAddress
  var ecn: UInt8
}

/// A socket with what it takes to use it from a test: `#expect` takes no noncopyable values, so this
/// holds them.
final class Endpoint {
  private let socket: UDPSocket
  private var receiver: ReceiveBatch
  private var sender = SendBatch()
  private var poller: Poller
  private let pool: BufferPool

  convenience init(_ address: UDPAddress = .loopback(port: 0), slabCount: Int = 4) throws {
    try self.init(UDPSocket(bind: address), slabCount: slabCount)
  }

  init(_ socket: consuming UDPSocket, slabCount: Int = 4) throws {
    pool = BufferPool([SlabClass(byteCount: 65_536, count: slabCount)])
    guard let receiver = ReceiveBatch(slabCount: slabCount, pool: pool) else { throw Missing() }
    poller = try Poller()
    try poller.add(socket.descriptor, .readable, token: 1)
    self.receiver = receiver
    self.socket = socket
  }

  struct Missing: Error {}

  var local: UDPAddress { socket.local }
  var descriptor: CInt { socket.descriptor }
  var gathersReceived: Bool { socket.gathersReceived }
  var refusedCount: UInt64 { sender.refusedCount }
  var lastRefusal: CInt { sender.lastRefusal }
  var cutsSegments: Bool { sender.cutsSegments }
  var sendCallCount: UInt64 { sender.callCount }
  var receiveCallCount: UInt64 { receiver.callCount }
  var truncatedCount: UInt64 { receiver.truncatedCount }
  var overrunCount: UInt64 { receiver.overrunCount }
  var receiveErrorCount: UInt64 { receiver.errorCount }
  var batchIsFull: Bool { sender.isFull }
  var waitingCount: Int { sender.count }

  func stopCutting() { sender.stopCutting() }

  /// Sends without checksums, for which the kernel answers UDP_SEGMENT with EINVAL.
  func makeKernelRefuseCutting() {
    var on: CInt = 1
    let set = setsockopt(descriptor, SOL_SOCKET, SO_NO_CHECK, &on, socklen_t(4))
    #expect(set == 0)
  }

  func requestReceiveBuffer(_ byteCount: Int) -> Int { socket.requestReceiveBuffer(byteCount) }
  func requestSendBuffer(_ byteCount: Int) -> Int { socket.requestSendBuffer(byteCount) }

  /// Puts bytes of `payload` into the batch; one datagram if no segment is given.
  func append(
    _ payload: Payload, from offset: Int = 0, byteCount: Int, segment: Int? = nil, ecn: UInt8 = 0, to address: UDPAddress
  ) {
    sender.append(
      unsafe: payload.base(offset), byteCount: byteCount, segmentByteCount: segment ?? max(1, byteCount), ecn: ecn,
      to: address)
  }

  func flush() -> Bool { sender.flush(socket) }

  /// Reads once; answers whether there may be more.
  func read(_ body: (UnsafeMutableRawBufferPointer, UDPAddress, UInt8) -> Void) -> Bool {
    receiver.receive(from: socket, body)
  }

  /// Waits for `count` datagrams, and overwrites each where it lies, as opening a sealed one does.
  /// Ends early, with fewer, when none comes for ten seconds.
  func receive(_ count: Int) throws -> [Seen] {
    var seen: [Seen] = []
    while seen.count < count {
      try poller.wait(until: Clocks.monotonic + 10_000_000_000)
      guard poller.count > 0 else { break }
      while read({ datagram, source, ecn in
        seen.append(Seen(bytes: Array(datagram), source: source, ecn: ecn))
        for index in datagram.indices { datagram[index] = 0xEE }
      }) {}
    }
    return seen
  }

  /// Waits until the socket takes more.
  func waitUntilWritable() throws {
    try poller.modify(socket.descriptor, [.writable], token: 1)
    try poller.wait(until: Clocks.monotonic + 10_000_000_000)
    try poller.modify(socket.descriptor, .readable, token: 1)
  }
}

/// Bytes that outlive a batch, each telling where it lies.
final class Payload {
  let memory: UnsafeMutableRawBufferPointer

  init(byteCount: Int) {
    memory = .allocate(byteCount: byteCount, alignment: 64)
    for index in 0..<byteCount { memory[index] = UInt8(truncatingIfNeeded: index ^ index >> 8 &* 31) }
  }

  deinit { memory.deallocate() }

  /// The address of `offset`.
  func base(_ offset: Int = 0) -> UnsafeMutableRawPointer { memory.baseAddress.unsafelyUnwrapped + offset }

  /// The datagrams that `byteCount` bytes from `offset` make when cut into `segment` each.
  func cut(_ byteCount: Int, into segment: Int, from offset: Int = 0) -> [[UInt8]] {
    stride(from: 0, to: byteCount, by: segment).map { start in
      Array(memory[offset + start..<offset + min(start + segment, byteCount)])
    }
  }
}
