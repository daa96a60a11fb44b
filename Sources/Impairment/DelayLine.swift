import HeapModule
import LinuxUDP

/// Datagrams on their way, earliest first, each in memory of its own until it is let go.
struct DelayLine: ~Copyable {
  struct Flight: Comparable {
    var due: UInt64
    /// Equals leave in the order they came.
    var order: UInt64
    var base: UnsafeMutableRawPointer
    var byteCount: Int
    /// Where it leaves the relay, and to whom.
    var port: RelayPort
    var to: UDPAddress

    static func < (left: Self, right: Self) -> Bool { (left.due, left.order) < (right.due, right.order) }
    static func == (left: Self, right: Self) -> Bool { left.order == right.order }
  }

  /// A second at 2 Gbit/s.
  static let mostBytes = 256 << 20

  private var flights = Heap<Flight>()
  private var order: UInt64 = 0
  private(set) var byteCount = 0

  deinit {
    for flight in flights.unordered { flight.base.deallocate() }
  }

  /// Copies a datagram. `false`: there is no more room.
  mutating func add(
    _ datagram: UnsafeMutableRawBufferPointer, due: UInt64, port: RelayPort, to: UDPAddress
  ) -> Bool {
    guard byteCount + datagram.count <= Self.mostBytes else { return false }
    let base = UnsafeMutableRawPointer.allocate(byteCount: max(1, datagram.count), alignment: 16)
    if let source = datagram.baseAddress { base.copyMemory(from: source, byteCount: datagram.count) }
    order += 1
    byteCount += datagram.count
    flights.insert(Flight(due: due, order: order, base: base, byteCount: datagram.count, port: port, to: to))
    return true
  }

  /// When the earliest is due; `.max` when there is none.
  var nextDue: UInt64 { flights.min?.due ?? .max }

  /// The next one that is due. Its memory is the caller's to deallocate.
  mutating func takeDue(now: UInt64) -> Flight? {
    guard nextDue <= now, let flight = flights.popMin() else { return nil }
    byteCount -= flight.byteCount
    return flight
  }
}
