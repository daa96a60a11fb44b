internal import CLinux
import Glibc

/// Datagrams waiting to be sent in one call, lying in memory the caller keeps until they went.
///
/// An entry is one datagram, or up to 64 of equal size (the last may be smaller) that the kernel
/// cuts apart (UDP_SEGMENT): the most effective way to send on Linux.
public struct SendBatch: ~Copyable {
  /// Entries one call takes.
  public static let capacity = Int(CLINUX_BATCH)
  /// The kernel cuts no more than this from one entry.
  public static let mostSegments = 64
  /// Bytes of one entry.
  public static let largestEntry = 65_507

  private let entries: UnsafeMutablePointer<clinux_outgoing>
  private var first = 0
  private var end = 0
  /// Whether the kernel cuts; cleared for good once it refused.
  public private(set) var cutsSegments = true
  /// Datagrams the kernel refused for reasons of their own, and dropped.
  public private(set) var refusedCount: UInt64 = 0
  /// The last such reason.
  public private(set) var lastRefusal: CInt = 0
  /// System calls made.
  public private(set) var callCount: UInt64 = 0

  public init() {
    entries = .allocate(capacity: Self.capacity)
    entries.initialize(repeating: clinux_outgoing(), count: Self.capacity)
  }

  deinit { entries.deallocate() }

  /// Entries not yet sent.
  public var count: Int { end - first }
  public var isEmpty: Bool { first == end }
  public var isFull: Bool { end == Self.capacity }

  /// Adds `byteCount` bytes at `base`, to be cut into datagrams of `segmentByteCount`: at most
  /// ``mostSegments`` of them and ``largestEntry`` bytes. The memory stays as it is until ``flush(_:)``
  /// answered `true`.
  ///
  /// - Parameter ecn: the two bits of the IP header that tell of congestion (RFC 3168), for all of them.
  public mutating func append(
    unsafe base: UnsafeMutableRawPointer, byteCount: Int, segmentByteCount: Int, ecn: UInt8 = 0, to address: UDPAddress
  ) {
    precondition(!isFull, "flush a full batch first")
    precondition(byteCount >= 0 && byteCount <= Self.largestEntry && segmentByteCount > 0, "an entry fits one call")
    precondition(byteCount <= segmentByteCount * Self.mostSegments, "the kernel cuts an entry into 64 at most")
    entries[end] = clinux_outgoing(
      base: base, count: UInt32(byteCount), segment: UInt32(segmentByteCount), ecn: ecn & 3, to: address.raw)
    end += 1
  }

  /// Sends what it can. `false`: the socket's buffer is full; wait until it is writable and call
  /// again, with the memory as it was.
  public mutating func flush(_ socket: borrowing UDPSocket) -> Bool {
    while first < end {
      let taken = cutsSegments ? send(socket, entries + first, end - first) : sendSingly(socket)
      if taken > 0 {
        first += taken
      } else if taken == -EAGAIN {
        return false
      } else if cutsSegments, isRefusalToCut(taken), datagramCount(entries[first]) > 1 {
        guard cutFirstEntry(socket) else { return false }
      } else if taken != -EINTR {
        refuse(-taken)
      }
    }
    first = 0
    end = 0
    return true
  }

  /// What kernels and devices without UDP_SEGMENT answer. Many kernels say EINVAL also when a segment
  /// is longer than the device's MTU: only sending singly tells the two apart.
  private func isRefusalToCut(_ taken: Int) -> Bool { taken == -EINVAL || taken == -EIO || taken == -EOPNOTSUPP }

  /// Sends the first entry datagram by datagram. When that works, the kernel's word against cutting
  /// is taken for good; when a single one is too long as well, it was not about cutting.
  /// `false`: the socket's buffer is full.
  private mutating func cutFirstEntry(_ socket: borrowing UDPSocket) -> Bool {
    let before = entries[first].count
    while true {
      let taken = sendSingly(socket)
      if taken == -EINTR { continue }
      if taken > 0 || entries[first].count < before { cutsSegments = false }
      if taken == -EAGAIN { return false }
      if taken > 0 { first += 1 } else { refuse(-taken) }
      return true
    }
  }

  private mutating func send(
    _ socket: borrowing UDPSocket, _ start: UnsafePointer<clinux_outgoing>, _ count: Int
  ) -> Int {
    var count = count
    if socket.isIPv4Only {
      let reachable = (0..<count).first { !UDPAddress(start[$0].to).isIPv4 } ?? count
      guard reachable > 0 else { return Int(-EAFNOSUPPORT) }
      count = reachable
    }
    callCount += 1
    return Int(clinux_udp_send(socket.descriptor, socket.isIPv4Only ? 1 : 0, start, CInt(count)))
  }

  /// Cuts the first entry here. Answers 1 when all of it went, or the kernel's refusal with the rest
  /// still in the entry.
  private mutating func sendSingly(_ socket: borrowing UDPSocket) -> Int {
    while true {
      let whole = entries[first]
      var part = whole
      part.count = min(whole.segment, whole.count)
      part.segment = 0
      let taken = send(socket, &part, 1)
      if taken <= 0 { return taken }
      guard part.count < whole.count else { return 1 }
      entries[first].base = whole.base + Int(part.count)
      entries[first].count = whole.count - part.count
    }
  }

  /// The network is gone, a firewall forbids it, the datagram is too long: the session's own timers
  /// deal with it as with any loss.
  private mutating func refuse(_ number: Int) {
    refusedCount += datagramCount(entries[first])
    lastRefusal = CInt(number)
    first += 1
  }

  private func datagramCount(_ entry: clinux_outgoing) -> UInt64 {
    max(1, (UInt64(entry.count) + UInt64(entry.segment) - 1) / UInt64(entry.segment))
  }

  /// For tests: as if the kernel had refused to cut.
  mutating func stopCutting() { cutsSegments = false }
}
