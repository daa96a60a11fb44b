import CLinux
import Glibc
import LinuxUDP

/// One socket of a relay, and what is about to leave through it.
final class RelayPort {
  /// Room for what comes in while the relay's thread does not run.
  private static let bufferByteCount = 16 << 20

  let socket: UDPSocket
  private var batch = SendBatch()
  /// Memory of the datagrams in the batch.
  private var held: [UnsafeMutableRawPointer] = []
  /// On a caller's own port: who it is, and whom they reach.
  let ends: (caller: UDPAddress, target: UDPAddress)?
  var lastOverruns: UInt32 = 0

  init(bind address: UDPAddress, ends: (caller: UDPAddress, target: UDPAddress)? = nil) throws(UDPSocketError) {
    socket = try UDPSocket(bind: address)
    _ = socket.requestReceiveBuffer(Self.bufferByteCount)
    _ = socket.requestSendBuffer(Self.bufferByteCount)
    _ = clinux_udp_enable_timestamps(socket.descriptor)
    self.ends = ends
  }

  deinit {
    for base in held { base.deallocate() }
  }

  var hasWaiting: Bool { !batch.isEmpty }
  var refusedCount: UInt64 { batch.refusedCount }

  func append(_ flight: DelayLine.Flight) {
    if batch.isFull { flush() }
    batch.append(
      unsafe: flight.base, byteCount: flight.byteCount, segmentByteCount: max(1, flight.byteCount), to: flight.to)
    held.append(flight.base)
  }

  /// Sends all of it. A socket that takes no more is waited for: what is held up by the machine itself
  /// is late, and counted as late, but not lost.
  func flush() {
    while !batch.flush(socket) {
      var interest = pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
      _ = poll(&interest, 1, 100)
    }
    for base in held { base.deallocate() }
    held.removeAll(keepingCapacity: true)
  }
}
