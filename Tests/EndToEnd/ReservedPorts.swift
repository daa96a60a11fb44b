import Synchronization

/// Ports below those that the kernel gives to sockets that ask for none (ip(7), `ip_local_port_range`): while a program
/// is restarted on its port, nobody else is given it. No two tests of a run get the same one.
enum ReservedPorts {
  private static let range: Range<UInt16> = 10_000..<32_000
  private static let turn = Atomic<Int>(Int.random(in: 0..<range.count))

  /// The next port that `isFree` answers `true` for.
  static func next(_ isFree: (UInt16) -> Bool) -> UInt16? {
    for _ in 0..<1000 {
      let place = turn.wrappingAdd(1, ordering: .relaxed).oldValue % range.count
      let port = range.lowerBound + UInt16(place)
      if isFree(port) { return port }
    }
    return nil
  }
}
