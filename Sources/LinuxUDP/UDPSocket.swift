internal import CLinux
import Glibc

/// Why a socket could not be had.
public struct UDPSocketError: Error, Hashable, Sendable, CustomStringConvertible {
  public let address: UDPAddress
  public let number: CInt

  public var description: String {
    let reason = String(cString: strerror(number))
    switch number {
    case EADDRINUSE:
      let finding = "`ss -ulpn sport = :\(address.port)` shows by whom"
      return "UDP port \(address.port) is already in use at \(address); \(finding)"
    case EACCES:
      return "UDP port \(address.port) needs privilege: choose one above 1023, or give the program CAP_NET_BIND_SERVICE"
    case EADDRNOTAVAIL:
      return "\(address) is no address of this machine; `ip address` lists those it has"
    case EAFNOSUPPORT:
      return "\(address) is an IPv6 address, and this machine runs without IPv6"
    case EMFILE, ENFILE:
      return "no file descriptor is left for a UDP socket: raise `ulimit -n` or the unit's LimitNOFILE"
    default:
      return "cannot open a UDP socket at \(address): \(reason)"
    }
  }
}

/// A non-blocking UDP socket for IPv4 and IPv6 alike, that never fragments.
public struct UDPSocket: ~Copyable {
  public let descriptor: CInt
  /// Where it is bound; with the port the kernel chose if 0 was asked for.
  public let local: UDPAddress
  /// Whether the kernel hands several datagrams of one sender over together (UDP_GRO).
  public let gathersReceived: Bool
  /// Whether this machine has no IPv6, and the socket reaches IPv4 alone.
  public let isIPv4Only: Bool

  /// - Parameter sharesPort: several sockets may be bound to the port, and the kernel spreads senders
  ///   over them (SO_REUSEPORT).
  public init(bind address: UDPAddress, sharesPort: Bool = false) throws(UDPSocketError) {
    try self.init(bind: address, sharesPort: sharesPort, withoutIPv6: false)
  }

  /// One more on the port of `first`, which was bound alone.
  public init(sharing first: borrowing UDPSocket) throws(UDPSocketError) {
    let failed = clinux_udp_share_port(first.descriptor)
    guard failed == 0 else { throw UDPSocketError(address: first.local, number: -failed) }
    try self.init(bind: first.local, sharesPort: true)
  }

  /// - Parameter withoutIPv6: for tests: as if the kernel had been started with `ipv6.disable=1`.
  init(bind address: UDPAddress, sharesPort: Bool, withoutIPv6: Bool) throws(UDPSocketError) {
    var raw = address.raw
    var opened = withoutIPv6 ? -EAFNOSUPPORT : clinux_udp_open(&raw, sharesPort ? 1 : 0, 0)
    isIPv4Only = opened == -EAFNOSUPPORT && (address.isIPv4 || address.isUnspecified)
    if isIPv4Only { opened = clinux_udp_open(&raw, sharesPort ? 1 : 0, 1) }
    guard opened >= 0 else { throw UDPSocketError(address: address, number: -opened) }
    descriptor = opened
    var bound = clinux_address()
    let named = clinux_udp_local(opened, &bound)
    local = named == 0 ? UDPAddress(bound) : address
    gathersReceived = clinux_udp_enable_gro(opened) == 0
  }

  deinit { close(descriptor) }

  /// Asks for a receive buffer of `byteCount`; answers what the kernel gave, which
  /// `net.core.rmem_max` limits for the unprivileged.
  public func requestReceiveBuffer(_ byteCount: Int) -> Int {
    Int(clinux_udp_receive_buffer(descriptor, CInt(clamping: byteCount)))
  }

  /// Asks for a send buffer of `byteCount`; answers what the kernel gave (`net.core.wmem_max`).
  public func requestSendBuffer(_ byteCount: Int) -> Int {
    Int(clinux_udp_send_buffer(descriptor, CInt(clamping: byteCount)))
  }
}
