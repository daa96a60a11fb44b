import Glibc

/// A bare TCP connection to a port on loopback, for clients that hold WebSocket wrong.
final class TCPConnection: Sendable {
  let descriptor: CInt

  init(to port: UInt16) throws {
    descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw UDPPort.Trouble(doing: "socket", number: errno) }
    var address = UDPPort.loopback(port)
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else {
      let number = errno
      close(descriptor)
      throw UDPPort.Trouble(doing: "connect", number: number)
    }
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
  }
  func send(_ text: String) { send(Array(text.utf8)) }

  /// What has come since; `nil` at the end.
  func receive() -> [UInt8]? {
    var part = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &part, part.count, CInt(MSG_DONTWAIT))
    if count < 0, errno == EAGAIN || errno == EINTR { return [] }
    return count > 0 ? Array(part[..<count]) : nil
  }

  /// Everything until the other end closes.
  func untilClosed() async throws -> [UInt8] {
    var all: [UInt8] = []
    try await eventually("the server closes a connection") {
      guard let more = receive() else { return true }
      all += more
      return false
    }
    return all
  }

  /// Asks for an upgrade and waits for the answer's head.
  func upgrade(path: String = "/stt", more: String = "") async throws -> String {
    send(
      "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\(more)"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    var head = ""
    try await eventually("the server answers") {
      head += String(decoding: receive() ?? Array("\r\n\r\n".utf8), as: UTF8.self)
      return head.contains("\r\n\r\n")
    }
    return head
  }

  /// A frame as RFC 6455 section 5.2 lays it out, masked with zeros.
  static func frame(_ opcode: UInt8, _ payload: [UInt8] = [], final: Bool = true, masked: Bool = true) -> [UInt8] {
    var bytes: [UInt8] = [(final ? 0x80 : 0) | opcode]
    let mask: UInt8 = masked ? 0x80 : 0
    switch payload.count {
    case ..<126: bytes.append(mask | UInt8(payload.count))
    case ..<65_536: bytes += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    default:
      bytes.append(mask | 127)
      bytes += stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: payload.count >> $0) }
    }
    return bytes + (masked ? [0, 0, 0, 0] : []) + payload
  }

  /// A port that nobody has, and that nobody is given by chance.
  static func freePort() throws -> UInt16 {
    guard let port = ReservedPorts.next({ (try? TCPListener($0)) != nil }) else {
      throw UDPPort.Trouble(doing: "find a free port", number: EADDRINUSE)
    }
    return port
  }
}

/// A listening TCP socket on loopback.
final class TCPListener: Sendable {
  let descriptor: CInt
  let port: UInt16

  /// - Parameter wanted: the port to have; 0 for one that the kernel chooses.
  init(_ wanted: UInt16 = 0) throws {
    let opened = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    var address = UDPPort.loopback(wanted)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let made = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(opened, $0, length) == 0 && listen(opened, 16) == 0 && getsockname(opened, $0, &length) == 0
      }
    }
    descriptor = opened
    port = UInt16(bigEndian: address.sin_port)
    guard made else { throw UDPPort.Trouble(doing: "listen", number: errno) }
  }

  deinit { close(descriptor) }

  func accept() -> CInt { Glibc.accept(descriptor, nil, nil) }
}
