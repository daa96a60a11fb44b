import LinuxEvents
import LinuxUDP
import Logging
import STTIngest
import STTSession
import STTWebSocketServer
import STTWire

/// A receive thread's socket, and the batches that go through it.
struct SessionSocket: ~Copyable {
  /// Receives between looks at the clock and at what is to be sent.
  private static let receivesPerTurn = 4
  private static let wantedBufferByteCount = 8 << 20

  let socket: UDPSocket
  private var receiving: ReceiveBatch
  private var sending = TransmitSlab()

  init(_ socket: consuming UDPSocket, _ receiving: consuming ReceiveBatch) {
    self.socket = socket
    self.receiving = receiving
  }

  /// Asks for large buffers; a sentence if the kernel gave less.
  func enlargeBuffers() -> String? {
    let given = socket.requestReceiveBuffer(Self.wantedBufferByteCount)
    _ = socket.requestSendBuffer(Self.wantedBufferByteCount)
    guard given < Self.wantedBufferByteCount else { return nil }
    return
      "the kernel gave \(given >> 10) KiB of receive buffer instead of \(Self.wantedBufferByteCount >> 10): bursts may be lost; raise net.core.rmem_max"
  }

  mutating func receive(
    _ body: (UnsafeMutableRawBufferPointer, _ source: PeerAddress, ECN, _ now: MonotonicTime, _ wall: UInt64) -> Void
  ) {
    var reads = 0
    var more = true
    while more, reads < Self.receivesPerTurn {
      let now = MonotonicTime(nanoseconds: Clocks.monotonic)
      let wall = Clocks.wall
      more = receiving.receive(from: socket) { datagram, source, ecn in
        body(datagram, PeerAddress(source), ECN(bits: ecn), now, wall)
      }
      reads += 1
    }
  }

  /// Sends all there is, or as much as the socket takes.
  mutating func transmit(_ endpoint: inout CollectorEndpoint, _ webSocket: WebSocketEntrance?) {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    let wall = Clocks.wall
    sending.drain(socket) { buffer in
      while let outgoing = endpoint.transmit(into: buffer, now: now, wall: wall) {
        if !outgoing.address.isWebSocket {
          return (outgoing.byteCount, UDPAddress(outgoing.address), outgoing.mark.rawValue)
        }
        webSocket?.send(UnsafeRawBufferPointer(rebasing: buffer[..<outgoing.byteCount]), to: outgoing.address)
      }
      return nil
    }
  }

  /// Waits for the socket to take more, while it doesn't.
  mutating func watchWritable(_ poller: borrowing Poller, token: UInt64, _ log: Logger) {
    guard sending.isBlocked != sending.isWatched else { return }
    sending.isWatched = sending.isBlocked
    let interest: Poller.Interest = sending.isBlocked ? [.readable, .writable] : .readable
    do { try poller.modify(socket.descriptor, interest, token: token) } catch { log.error("\(error)") }
  }
}

extension PeerAddress {
  init(_ address: UDPAddress) {
    self.init(high: address.high, low: address.low, port: address.port, scope: address.scope)
  }
}

extension UDPAddress {
  init(_ address: PeerAddress) {
    self.init(high: address.high, low: address.low, port: address.port, scope: address.scope)
  }
}
