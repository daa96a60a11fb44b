internal import CLinux

/// Two more sockets on the port of another one: what has a certain byte goes to them, all else to the first
/// (SO_ATTACH_REUSEPORT_CBPF). Each has a buffer of its own, so that a flood of one kind fills its own alone, and
/// the owner reads it when there is nothing better to do.
public struct UDPLanes: ~Copyable {
  public let second: UDPSocket
  public let third: UDPSocket

  /// - Parameters:
  ///   - first: bound alone, so that a port in use was noticed.
  ///   - offset: where the byte lies in a datagram; a shorter one goes to the first.
  /// - Returns: `nil` when the kernel can't; the first socket then gets everything, as before.
  public init?(beside first: borrowing UDPSocket, byteAt offset: UInt32, second: UInt8, third: UInt8) {
    guard clinux_udp_share_port(first.descriptor) == 0,
      let secondSocket = try? UDPSocket(bind: first.local, sharesPort: true),
      let thirdSocket = try? UDPSocket(bind: first.local, sharesPort: true),
      clinux_udp_steer(thirdSocket.descriptor, offset, second, third) == 0
    else { return nil }
    // Single datagrams into small buffers: what the kernel had gathered it cuts again.
    _ = clinux_udp_disable_gro(secondSocket.descriptor)
    _ = clinux_udp_disable_gro(thirdSocket.descriptor)
    self.second = secondSocket
    self.third = thirdSocket
  }
}
