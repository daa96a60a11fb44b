internal import CLinux
import Glibc
public import STTBuffers

/// Buffers that one call fills with datagrams, several of one sender together where the kernel
/// gathers them (UDP_GRO). Datagrams are lent where they lie.
public struct ReceiveBatch: ~Copyable {
  /// What one gathered read may hold.
  public static let gatheredByteCount = 65_536

  private let entries: UnsafeMutablePointer<clinux_incoming>
  private let slabs: UnsafeMutablePointer<Lease>
  private let capacity: Int
  private var lastOverruns: UInt32 = 0
  /// System calls made.
  public private(set) var callCount: UInt64 = 0
  /// Datagrams longer than a slab, which no sender of ours makes.
  public private(set) var truncatedCount: UInt64 = 0
  /// Arrivals that found the socket's receive buffer full, as far as the kernel has said: it says so
  /// with the next one that fits. Datagrams of one sender that travelled together (UDP_SEGMENT on the
  /// same machine, or gathered by the network card) are one arrival.
  public private(set) var overrunCount: UInt64 = 0
  /// Reads that the kernel refused, other than because nothing was there.
  public private(set) var errorCount: UInt64 = 0
  /// The errno of the last refusal.
  public private(set) var lastError: CInt = 0

  /// Leases `slabCount` buffers from `pool` for good; `nil` when it has not so many.
  ///
  /// - Parameter slabByteCount: what is longer is dropped and counted; smaller than the default only for a socket
  ///   that gathers nothing.
  public init?(slabCount: Int = 16, slabByteCount: Int = gatheredByteCount, pool: BufferPool) {
    precondition(slabCount > 0 && slabCount <= Int(CLINUX_BATCH), "one call fills 1 to 64 buffers")
    entries = .allocate(capacity: slabCount)
    slabs = .allocate(capacity: slabCount)
    var leased = 0
    while leased < slabCount, let slab = pool.lease(atLeast: slabByteCount) {
      (entries + leased).initialize(
        to: clinux_incoming(
          base: slab.unsafeBase, capacity: UInt32(slabByteCount), count: 0, segment: 0, truncated: 0, dropped: 0,
          ecn: 0, from: clinux_address(), arrived: 0))
      (slabs + leased).initialize(to: slab)
      leased += 1
    }
    capacity = leased
    if leased < slabCount { return nil }
  }

  deinit {
    slabs.deinitialize(count: capacity)
    slabs.deallocate()
    entries.deallocate()
  }

  /// Reads once and calls `body` with each datagram; answers whether there may be more.
  ///
  /// - Parameter body: may overwrite the datagram, and must not keep it.
  public mutating func receive(
    from socket: borrowing UDPSocket,
    _ body: (_ datagram: UnsafeMutableRawBufferPointer, _ source: UDPAddress, _ ecn: UInt8) -> Void
  ) -> Bool {
    callCount += 1
    let count = Int(clinux_udp_receive(socket.descriptor, entries, CInt(capacity)))
    guard count > 0 else { return retryHelps(CInt(-count)) }
    for index in 0..<count {
      let entry = entries[index]
      note(overruns: entry.dropped)
      if entry.truncated != 0 {
        truncatedCount += 1
        continue
      }
      guard let base = entry.base, entry.segment > 0 else { continue }
      let source = UDPAddress(entry.from)
      var offset = 0
      let total = Int(entry.count)
      while offset < total {
        let length = min(Int(entry.segment), total - offset)
        body(UnsafeMutableRawBufferPointer(start: base + offset, count: length), source, entry.ecn)
        offset += length
      }
    }
    return count == capacity
  }

  /// Errors of earlier sends (ICMP) surface in a read, once each, and the next read works. What lasts
  /// must not make the caller spin.
  private mutating func retryHelps(_ number: CInt) -> Bool {
    if number == EAGAIN { return false }
    if number == EINTR { return true }
    errorCount += 1
    lastError = number
    return switch number {
    case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EPROTO: true
    default: false
    }
  }

  /// The kernel's count has 32 bits, runs on over its end, and is of one socket.
  private mutating func note(overruns total: UInt32) {
    guard total != 0 else { return }
    overrunCount += UInt64(total &- lastOverruns)
    lastOverruns = total
  }
}
