import LinuxUDP
import STTBuffers
import STTIngest

/// The sockets of a collector's port: one for each receive thread's sessions, and two for handshakes.
struct CollectorSockets: ~Copyable {
  let first: SessionSocket
  let lanes: HandshakeLanes?
  let others: [Box<SessionSocket>]
  /// Of the first thread.
  let share: SessionShare
  /// What its owner should know.
  let warning: String?

  /// Where the kernel can't tell sessions apart, there is one thread.
  static func open(
    _ address: UDPAddress, wantedThreads: Int, pool: BufferPool, token: UInt64
  ) throws -> CollectorSockets {
    let socket = try UDPSocket(bind: address)
    var others: [Box<SessionSocket>] = []
    var warning: String?
    do {
      for _ in 1..<max(1, wantedThreads) {
        guard let batch = ReceiveBatch(pool: pool) else { throw tooLittleMemory(wantedThreads) }
        others.append(Box(SessionSocket(try UDPSocket(sharing: socket), batch)))
      }
    } catch let error as UDPSocketError {
      others = []
      warning = "one receive thread has to do: \(error)"
    }
    var random = SystemRandomNumberGenerator()
    var share = SessionShare(thread: 0, of: others.count + 1, key: SessionShare.Key(using: &random))
    var lanes = HandshakeLanes(beside: socket, share: share, pool: pool, token: token)
    if lanes == nil, !others.isEmpty {
      others = []
      share = .whole
      warning =
        "one receive thread has to do: sessions can't be spread over several sockets (SO_ATTACH_REUSEPORT_CBPF)"
    }
    guard let batch = ReceiveBatch(pool: pool) else { throw tooLittleMemory(wantedThreads) }
    return CollectorSockets(
      first: SessionSocket(socket, batch), lanes: lanes.take(), others: others, share: share, warning: warning)
  }

  private static func tooLittleMemory(_ threads: Int) -> CollectorFailure {
    CollectorFailure("limits.memory is too small for the receive buffers\(threads > 1 ? " of \(threads) threads" : "")")
  }
}
