package import CLinux
import Glibc

/// An IPv6 address, or an IPv4 one mapped into it, and a UDP port.
public struct UDPAddress: Hashable, Sendable, CustomStringConvertible {
  /// The first and last eight bytes, read as big-endian numbers.
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

  public static func any(port: UInt16) -> UDPAddress { UDPAddress(high: 0, low: 0, port: port) }
  public static func loopback(port: UInt16) -> UDPAddress {
    UDPAddress(high: 0, low: 0xFFFF_7F00_0001, port: port)
  }

  public enum LookupError: Error, Hashable, Sendable, CustomStringConvertible {
    case notFound(host: String, reason: String)

    public var description: String {
      switch self {
      case .notFound(let host, let reason): "cannot find the address of \(host): \(reason)"
      }
    }
  }

  /// Looks `host` up, by DNS if it is a name. Blocks for as long as that takes.
  /// Where this machine has no IPv6, it is an IPv4 address.
  public init(host: String, port: UInt16) throws(LookupError) {
    try self.init(host: host, port: port, withoutIPv6: clinux_has_ipv6() == 0)
  }

  /// - Parameter withoutIPv6: for tests: as if the kernel had been started with `ipv6.disable=1`.
  init(host: String, port: UInt16, withoutIPv6: Bool) throws(LookupError) {
    var result = clinux_address()
    let code = clinux_resolve(host, String(port), withoutIPv6 ? 1 : 0, &result)
    guard code == 0 else {
      throw .notFound(host: host, reason: String(cString: clinux_resolve_error(code)))
    }
    self.init(result)
  }

  /// The address this machine sends from to reach this one now; `nil` when there is no way there.
  public var source: UDPAddress? {
    var to = raw
    var local = clinux_address()
    return clinux_udp_source(&to, &local) == 0 ? UDPAddress(local) : nil
  }

  @inline(__always)
  package init(_ address: clinux_address) {
    var copy = address.address
    (high, low) = withUnsafeBytes(of: &copy) { bytes in
      (
        UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
    port = address.port
    scope = address.scope
  }

  @inline(__always)
  var raw: clinux_address {
    var address = clinux_address()
    withUnsafeMutableBytes(of: &address.address) { bytes in
      bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
      bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    address.port = port
    address.scope = scope
    return address
  }

  var isUnspecified: Bool { high == 0 && low == 0 }
  var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

  public var description: String {
    if isIPv4 {
      return "\(low >> 24 & 0xFF).\(low >> 16 & 0xFF).\(low >> 8 & 0xFF).\(low & 0xFF):\(port)"
    }
    var bytes = raw.address
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    _ = withUnsafeBytes(of: &bytes) { inet_ntop(AF_INET6, $0.baseAddress, &text, socklen_t(text.count)) }
    let zone = scope == 0 ? "" : "%\(scope)"
    return "[\(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))\(zone)]:\(port)"
  }
}
