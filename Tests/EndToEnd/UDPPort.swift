import Glibc

/// A bare IPv4 socket on loopback.
final class UDPPort: Sendable {
  struct Trouble: Error, CustomStringConvertible {
    let doing: String
    let number: CInt
    var description: String { "\(doing): \(String(cString: strerror(number)))" }
  }

  let descriptor: CInt
  let port: UInt16

  /// - Parameter wanted: the port to have; 0 for one that the kernel chooses.
  init(_ wanted: UInt16 = 0) throws {
    let made = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { throw Trouble(doing: "socket", number: errno) }
    var address = Self.loopback(wanted)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(made, $0, length) }
    }
    let named = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(made, $0, &length) }
    }
    guard bound == 0, named == 0 else {
      let number = errno
      close(made)
      throw Trouble(doing: "bind", number: number)
    }
    descriptor = made
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }

  /// A port that nobody has, and that nobody is given by chance.
  static func free() throws -> UInt16 {
    guard let port = ReservedPorts.next({ (try? UDPPort($0)) != nil }) else {
      throw Trouble(doing: "find a free port", number: EADDRINUSE)
    }
    return port
  }

  static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  /// Whatever a network may do with it afterwards, a datagram is handed to the kernel.
  func send(_ bytes: [UInt8], to port: UInt16) {
    var address = Self.loopback(port)
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = bytes.withUnsafeBytes {
          sendto(descriptor, $0.baseAddress, $0.count, 0, address, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    }
  }

  /// The next datagram and its sender's port; `nil` when there is none now.
  func receive() -> (bytes: [UInt8], port: UInt16)? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let count = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        recvfrom(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT), $0, &length)
      }
    }
    return count < 0 ? nil : (Array(buffer[..<count]), UInt16(bigEndian: address.sin_port))
  }
}
