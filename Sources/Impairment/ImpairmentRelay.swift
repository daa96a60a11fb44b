import LinuxEvents
public import LinuxUDP
import Synchronization

/// A stretch of bad network on one machine: who sends to ``local`` reaches another address, through loss,
/// delay and a limited rate that all callers share. Answers come back the same way.
///
/// It runs on a thread of its own until it is let go. Each caller's datagrams leave from a port of its
/// own, as through a NAT.
public final class ImpairmentRelay: Sendable {
  private let shared: RelayShared
  private let thread: WorkerThread
  /// Where it listens; with the port the kernel chose if 0 was asked for.
  public let local: UDPAddress

  /// - Parameters:
  ///   - targets: who is called; one caller after the other reaches the next of them.
  ///   - there: what happens on the way to them.
  ///   - back: what happens to the answers.
  ///   - seed: decides every chance, each direction's apart.
  public init(
    listen: UDPAddress = .loopback(port: 0), to targets: [UDPAddress], there: Impairment, back: Impairment, seed: UInt64
  ) throws {
    precondition(!targets.isEmpty, "a relay leads somewhere")
    let shared = try RelayShared()
    let front = try RelayPort(bind: listen)
    local = front.socket.local
    let loop = try RelayLoop(
      front: front, targets: targets, there: ImpairedDirection(there, seed: seed),
      back: ImpairedDirection(back, seed: ~seed), wakeup: shared.wakeup.descriptor)
    self.shared = shared
    thread = try WorkerThread(name: "relay") { loop.run(shared) }
  }

  deinit {
    shared.isStopping.store(true, ordering: .relaxed)
    shared.wakeup.signal()
    thread.join()
  }

  /// What it did so far.
  public var report: RelayReport { shared.report.withLock { $0 } }
}
