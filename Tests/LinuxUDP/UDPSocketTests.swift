import Glibc
import Testing

@testable import LinuxUDP

@Suite struct UDPSocketTests {
  @Test func portZeroBecomesAPortOfTheKernels() throws {
    let socket = try UDPSocket(bind: .loopback(port: 0))
    let local = socket.local
    #expect(local.port != 0)
    #expect(local == .loopback(port: local.port))
  }

  @Test func aPortInUseSaysWhichAndHowToFindByWhom() throws {
    let first = try UDPSocket(bind: .loopback(port: 0))
    let port = first.local.port
    let error = #expect(throws: UDPSocketError.self) { _ = try UDPSocket(bind: .loopback(port: port)) }
    #expect(error?.number == EADDRINUSE)
    #expect(
      error?.description
        == "UDP port \(port) is already in use at 127.0.0.1:\(port); `ss -ulpn sport = :\(port)` shows by whom")
  }

  @Test func twoSocketsShareAPortWhenBothSaySo() throws {
    let first = try UDPSocket(bind: .loopback(port: 0), sharesPort: true)
    let second = try UDPSocket(bind: first.local, sharesPort: true)
    let (one, other) = (first.local, second.local)
    #expect(one == other)
    #expect(throws: UDPSocketError.self) { _ = try UDPSocket(bind: one) }
  }

  @Test func aForeignAddressSaysWhereToFindOurOwn() {
    // 192.0.2.0/24 is for documentation: no machine has it.
    let foreign = UDPAddress(high: 0, low: 0xFFFF_C000_0201, port: 4650)
    let error = #expect(throws: UDPSocketError.self) { _ = try UDPSocket(bind: foreign) }
    #expect(
      error?.description == "192.0.2.1:4650 is no address of this machine; `ip address` lists those it has")
  }

  @Test func aPortBelow1024SaysWhatPrivilegeItNeeds() {
    let error = UDPSocketError(address: .any(port: 80), number: EACCES)
    #expect(
      error.description
        == "UDP port 80 needs privilege: choose one above 1023, or give the program CAP_NET_BIND_SERVICE")
  }

  @Test func withoutIPv6AnIPv4SocketIsMade() throws {
    let any = try UDPSocket(bind: .any(port: 0), sharesPort: false, withoutIPv6: true)
    let (isIPv4Only, local) = (any.isIPv4Only, any.local)
    #expect(isIPv4Only)
    #expect(local.description == "0.0.0.0:\(local.port)")
  }

  @Test func withoutIPv6AnIPv6AddressIsRefusedWithASentence() {
    let error = #expect(throws: UDPSocketError.self) {
      _ = try UDPSocket(bind: UDPAddress(high: 0, low: 1, port: 5), sharesPort: false, withoutIPv6: true)
    }
    #expect(error?.description == "[::1]:5 is an IPv6 address, and this machine runs without IPv6")
  }

  @Test func bufferRequestsAnswerWhatTheKernelGave() throws {
    let socket = try UDPSocket(bind: .loopback(port: 0))
    let small = socket.requestReceiveBuffer(1)
    #expect(small > 1 && small < 65_536)
    let large = socket.requestReceiveBuffer(4 << 20)
    #expect(large > small && large <= 4 << 20)
    var told: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    let asked = getsockopt(socket.descriptor, SOL_SOCKET, SO_RCVBUF, &told, &length)
    #expect(asked == 0)
    #expect(Int(told) / 2 == large)
    let (sendLarge, sendSmall) = (socket.requestSendBuffer(1 << 20), socket.requestSendBuffer(1))
    #expect(sendLarge > sendSmall)
  }

  @Test func theDescriptorIsClosedWithTheSocket() throws {
    let inode: UInt
    do {
      let socket = try UDPSocket(bind: .loopback(port: 0))
      var status = stat()
      let asked = fstat(socket.descriptor, &status)
      let flags = fcntl(socket.descriptor, F_GETFD)
      #expect(asked == 0 && flags & FD_CLOEXEC != 0)
      inode = UInt(status.st_ino)
      #expect(openSockets().contains(inode))
    }
    #expect(!openSockets().contains(inode))
  }

  /// The inodes of this process's sockets: descriptors are used again at once by other tests.
  private func openSockets() -> Set<UInt> {
    var inodes: Set<UInt> = []
    for descriptor in 0..<CInt(1_024) {
      var status = stat()
      if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { inodes.insert(UInt(status.st_ino)) }
    }
    return inodes
  }
}
