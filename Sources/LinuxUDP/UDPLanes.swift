internal import CLinux

/// How datagrams are spread over several sockets of one port: with a and b the big-endian words at `offset` and four
/// bytes behind it, by ((((b ^ key.0) * key.1) ^ a) * key.2 >> 16) % count, modulo 2^32.
public struct UDPSpread: Sendable {
  public var offset: UInt32
  public var count: Int
  public var key: (UInt32, UInt32, UInt32)

  /// All to the only socket.
  public static let none = UDPSpread(offset: 0, count: 1, key: (0, 1, 1))

  public init(offset: UInt32, count: Int, key: (UInt32, UInt32, UInt32)) {
    self.offset = offset
    self.count = count
    self.key = key
  }
}

/// Two more sockets on the port of another one, or of several: what has a certain byte goes to them, all else to the
/// others (SO_ATTACH_REUSEPORT_CBPF). Each has a buffer of its own, so that a flood of one kind fills its own alone, and
/// the owner reads it when there is nothing better to do.
public struct UDPLanes: ~Copyable {
  public let second: UDPSocket
  public let third: UDPSocket

  /// - Parameters:
  ///   - first: bound alone, so that a port in use was noticed.
  ///   - offset: where the byte lies in a datagram; a shorter one goes to the first.
  ///   - spread: which socket gets one of all the others: `first`, or what was bound since by
  ///     ``UDPSocket/init(sharing:)``, in that order.
  /// - Returns: `nil` when the kernel can't; the others then get everything, as before.
  public init?(
    beside first: borrowing UDPSocket, byteAt offset: UInt32, second: UInt8, third: UInt8, spread: UDPSpread = .none
  ) {
    var raw = clinux_spread(
      offset: spread.offset, count: UInt32(clamping: max(1, spread.count)), key: spread.key)
    guard let secondSocket = try? UDPSocket(sharing: first), let thirdSocket = try? UDPSocket(sharing: first),
      clinux_udp_steer(thirdSocket.descriptor, offset, second, third, &raw) == 0
    else { return nil }
    // Single datagrams into small buffers: what the kernel had gathered it cuts again.
    _ = clinux_udp_disable_gro(secondSocket.descriptor)
    _ = clinux_udp_disable_gro(thirdSocket.descriptor)
    self.second = secondSocket
    self.third = thirdSocket
  }
}
