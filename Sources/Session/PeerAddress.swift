/// Where a datagram came from or goes to: an IPv6 address, or an IPv4 one mapped into it, and a port.
/// The core compares and hashes it; only the socket knows what it means.
public struct PeerAddress: Hashable, Sendable {
  /// The first and the last eight bytes, as big-endian numbers.
  public var high: UInt64
  public var low: UInt64
  public var port: UInt16
  public var scope: UInt32

  public init(high: UInt64, low: UInt64, port: UInt16, scope: UInt32 = 0) {
    self.high = high
    self.low = low
    self.port = port
    self.scope = scope
  }

  /// What address proofs are made over: the address in network order, and the port, little-endian.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    for word in [high, low] {
      for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift))) }
    }
    bytes.append(UInt8(truncatingIfNeeded: port))
    bytes.append(UInt8(truncatingIfNeeded: port >> 8))
    return bytes
  }
}
