import Glibc
import LinuxEvents
import Synchronization

/// A stretch of network between an agent and its collector that remembers every datagram, and from
/// which others can be sent.
final class Relay: Sendable {
  private let wire: Wire
  private let thread: WorkerThread

  /// - Parameter loses: whether a datagram of the agent's gets lost.
  init(to collector: UInt16, loses: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }) throws {
    let wire = try Wire(collector: collector, loses: loses)
    self.wire = wire
    thread = try WorkerThread(name: "relay") { wire.pass() }
  }

  /// Waits for the thread, which looks whether to stop ten times a second at least.
  deinit {
    wire.isStopping.store(true, ordering: .relaxed)
    thread.join()
  }

  /// Where the agent sends to.
  var port: UInt16 { wire.front.port }
  /// What the agent sent so far.
  var sent: [[UInt8]] { wire.traffic.withLock { $0.sent } }
  /// What the collector answered so far.
  var answered: [[UInt8]] { wire.traffic.withLock { $0.answered } }

  /// From now on the agent's datagrams reach the collector from another port, as after a NAT forgot it;
  /// what is sent to the old one is lost.
  func rebind() throws {
    let fresh = try UDPPort()
    wire.replacement.withLock { $0 = fresh }
  }

  /// From now on nothing passes, or everything does again.
  func block(_ isBlocked: Bool) { wire.isBlocked.store(isBlocked, ordering: .relaxed) }

  /// Sends the collector a datagram that seems to come from the agent.
  func inject(_ datagram: [UInt8]) { wire.back.withLock { $0 }.send(datagram, to: wire.collector) }
}

private final class Wire: Sendable {
  let front: UDPPort
  let back: Mutex<UDPPort>
  let replacement = Mutex<UDPPort?>(nil)
  let collector: UInt16
  let traffic = Mutex<(sent: [[UInt8]], answered: [[UInt8]])>(([], []))
  let isStopping = Atomic<Bool>(false)
  private let loses: @Sendable ([UInt8]) -> Bool
  let isBlocked = Atomic<Bool>(false)

  init(collector: UInt16, loses: @escaping @Sendable ([UInt8]) -> Bool) throws {
    self.loses = loses
    front = try UDPPort()
    back = Mutex(try UDPPort())
    self.collector = collector
  }

  func pass() {
    var agent: UInt16?
    while !isStopping.load(ordering: .relaxed) {
      if let fresh = replacement.withLock({ $0.take() }) { back.withLock { $0 = fresh } }
      let back = back.withLock { $0 }
      var interest = [front, back].map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
      guard poll(&interest, 2, 100) > 0 else { continue }
      while let (bytes, port) = front.receive() {
        agent = port
        traffic.withLock { $0.sent.append(bytes) }
        if isBlocked.load(ordering: .relaxed) || loses(bytes) { continue }
        back.send(bytes, to: collector)
      }
      while let (bytes, _) = back.receive() {
        traffic.withLock { $0.answered.append(bytes) }
        if isBlocked.load(ordering: .relaxed) { continue }
        if let agent { front.send(bytes, to: agent) }
      }
    }
  }
}
