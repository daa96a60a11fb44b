import Glibc
import LinuxEvents
import Synchronization

/// A stretch of network for TCP connections that can be cut.
final class TCPRelay: Sendable {
  private let cable: Cable
  private let thread: WorkerThread

  init(to server: UInt16) throws {
    let cable = Cable(listener: try TCPListener(), server: server)
    self.cable = cable
    thread = try WorkerThread(name: "tcp-relay") { cable.pass() }
  }

  deinit {
    cable.isStopping.store(true, ordering: .relaxed)
    thread.join()
  }

  var port: UInt16 { cable.listener.port }

  /// Ends every connection that there is, in the middle of whatever it carries.
  func cut() { cable.isCutting.store(true, ordering: .relaxed) }
}

private final class Cable: Sendable {
  let listener: TCPListener
  let server: UInt16
  let isStopping = Atomic<Bool>(false)
  let isCutting = Atomic<Bool>(false)

  init(listener: TCPListener, server: UInt16) {
    self.listener = listener
    self.server = server
  }

  func pass() {
    /// Each end with the other.
    var other: [CInt: CInt] = [:]
    var back: [CInt: TCPConnection] = [:]
    var buffer = [UInt8](repeating: 0, count: 65_536)
    func drop(_ end: CInt) {
      guard let far = other.removeValue(forKey: end) else { return }
      other[far] = nil
      for one in [end, far] {
        // A program that another test starts at this moment may have inherited it, and would keep it open.
        shutdown(one, CInt(SHUT_RDWR))
        if back.removeValue(forKey: one) == nil { close(one) }
      }
    }
    while !isStopping.load(ordering: .relaxed) {
      if isCutting.exchange(false, ordering: .relaxed) { for end in Array(other.keys) { drop(end) } }
      var interest = ([listener.descriptor] + other.keys).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      guard poll(&interest, nfds_t(interest.count), 50) > 0 else { continue }
      for ready in interest where ready.revents != 0 {
        if ready.fd == listener.descriptor {
          let near = listener.accept()
          guard near >= 0, let far = try? TCPConnection(to: server) else {
            close(near)
            continue
          }
          other[near] = far.descriptor
          other[far.descriptor] = near
          back[far.descriptor] = far
        } else if let far = other[ready.fd] {
          let count = recv(ready.fd, &buffer, buffer.count, CInt(MSG_DONTWAIT))
          if count > 0 { _ = send(far, buffer, count, CInt(MSG_NOSIGNAL)) } else { drop(ready.fd) }
        }
      }
    }
    for end in Array(other.keys) { drop(end) }
  }
}
