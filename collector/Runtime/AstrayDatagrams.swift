import LinuxEvents
import STTBuffers
import STTSession
import STTWire
import Synchronization

/// Datagrams that reached another receive thread than their session's: under an alias, or by WebSocket. What finds no
/// room is lost, as on any network. Anyone who has seen an alias can send such: they have buffers of their own.
final class AstrayDatagrams: Sendable {
  struct Datagram: ~Copyable {
    let lease: Lease
    let source: PeerAddress
    let ecn: ECN
  }

  private static let capacity = 2048

  private let ring = Ring<Datagram>(capacity: capacity)
  private let pool = BufferPool([
    // As large as a path of Ethernet, of jumbo frames and WebSockets, and of loopback carries.
    SlabClass(byteCount: 2048, count: capacity), SlabClass(byteCount: 9216, count: 512),
    SlabClass(byteCount: 66_560, count: 32),
  ])
  /// A ring has one producer: whoever holds this.
  private let producer = Mutex(())
  private let wakeup: WakeupDescriptor

  init(wakeup: WakeupDescriptor) { self.wakeup = wakeup }

  /// Any thread's. `false`: there was no room.
  func push(_ bytes: UnsafeMutableRawBufferPointer, from source: PeerAddress, _ ecn: ECN) -> Bool {
    guard ring.count < Self.capacity, var lease = pool.lease(atLeast: bytes.count), let start = bytes.baseAddress else {
      return false
    }
    lease.unsafeBase.copyMemory(from: start, byteCount: bytes.count)
    lease.count = bytes.count
    var held: Datagram? = Datagram(lease: lease, source: source, ecn: ecn)
    producer.withLock { _ in
      if let datagram = held.take() { held = ring.push(datagram) }
    }
    wakeup.signal()
    return held == nil
  }

  /// The thread's whose sessions they are for.
  func pop() -> Datagram? { ring.pop() }

  /// Wakes that thread again, which left some.
  func remind() {
    if ring.count > 0 { wakeup.signal() }
  }
}
