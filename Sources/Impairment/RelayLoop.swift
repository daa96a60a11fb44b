import CLinux
import Glibc
import LinuxEvents
import LinuxUDP
import Synchronization

/// What a relay's owner and its thread share.
final class RelayShared: Sendable {
  let isStopping = Atomic<Bool>(false)
  let wakeup: WakeupDescriptor
  let report = Mutex(RelayReport())

  init() throws(SystemFailure) { wakeup = try WakeupDescriptor() }
}

/// The relay's thread: takes datagrams in, keeps them as long as they take, sends them on.
final class RelayLoop: @unchecked Sendable {
  // Sound because it is made before its thread, and nobody but that thread calls it.

  /// Callers at once; the one that came first makes room for the next.
  private static let mostCallers = 64
  private static let wakeupToken = UInt64.max
  private static let frontToken = UInt64.max - 1

  /// One direction, and what became of its datagrams.
  private struct Way {
    var direction: ImpairedDirection
    var counts = RelayReport.Direction()
  }

  private let targets: [UDPAddress]
  private let front: RelayPort
  private var callers: [RelayPort] = []
  private var there: Way
  private var back: Way
  private var line = DelayLine()
  private let intake = RelayIntake()
  private var poller: Poller
  private var report = RelayReport()
  /// Ports with something in their batch.
  private var filled: [RelayPort] = []

  init(
    front: RelayPort, targets: [UDPAddress], there: ImpairedDirection, back: ImpairedDirection, wakeup: CInt
  ) throws(SystemFailure) {
    self.front = front
    self.targets = targets
    self.there = Way(direction: there)
    self.back = Way(direction: back)
    poller = try Poller()
    try poller.add(front.socket.descriptor, .readable, token: Self.frontToken)
    try poller.add(wakeup, .readable, token: Self.wakeupToken)
  }

  /// Until it is told to stop. What is on its way then is dropped.
  func run(_ shared: RelayShared) {
    // The kernel may let a thread sleep 50 µs longer than it asks for.
    clinux_timer_slack(1)
    var parameter = sched_param()
    // Above a measurement that runs so itself, at 1.
    parameter.sched_priority = 2
    report.isRealTime = sched_setscheduler(0, SCHED_FIFO, &parameter) == 0
    shared.report.withLock { $0 = report }
    let started = clinux_thread_cpu_ns()
    while !shared.isStopping.load(ordering: .relaxed) {
      guard (try? poller.wait(until: line.nextDue)) != nil else { break }
      for index in 0..<poller.count {
        switch poller[index].token {
        case Self.wakeupToken: shared.wakeup.clear()
        case Self.frontToken: takeIn(from: front)
        case let token:
          if let port = callers.first(where: { UInt64($0.socket.descriptor) == token }) { takeIn(from: port) }
        }
      }
      sendDue()
      report.there = there.counts
      report.back = back.counts
      report.cpuNanoseconds = clinux_thread_cpu_ns() - started
      shared.report.withLock { $0 = report }
    }
  }

  private func takeIn(from port: RelayPort) {
    var more = true
    while more {
      let got = intake.receive(port) { datagram, from, arrived in
        pass(datagram, from: from, through: port, arrived)
      }
      more = got.more
      report.overruns += got.overruns
      // What is due does not wait for what comes in.
      sendDue()
    }
  }

  private func pass(
    _ datagram: UnsafeMutableRawBufferPointer, from: UDPAddress, through port: RelayPort, _ arrived: UInt64
  ) {
    if let ends = port.ends {
      // Only who is called may answer.
      guard from == ends.target else { return }
      pass(datagram, &back, through: front, to: ends.caller, arrived)
    } else if let exit = self.port(of: from), let target = exit.ends?.target {
      pass(datagram, &there, through: exit, to: target, arrived)
    }
  }

  private func pass(
    _ datagram: UnsafeMutableRawBufferPointer, _ way: inout Way, through port: RelayPort, to: UDPAddress, _ arrived: UInt64
  ) {
    way.counts.received += 1
    way.counts.receivedBytes += UInt64(datagram.count)
    switch way.direction.pass(byteCount: datagram.count, now: arrived) {
    case .lost: way.counts.lost += 1
    case .overflowed: way.counts.overflowed += 1
    case .arrives(let due, let again):
      if again != nil { way.counts.repeated += 1 }
      for due in [due, again].compactMap(\.self) {
        if line.add(datagram, due: due, port: port, to: to) {
          way.counts.forwarded += 1
        } else {
          report.crowdedOut += 1
        }
      }
    }
  }

  /// The port through which a caller's datagrams go on; a new one for a new caller.
  private func port(of caller: UDPAddress) -> RelayPort? {
    if let index = callers.firstIndex(where: { $0.ends?.caller == caller }) { return callers[index] }
    let target = targets[report.callers % targets.count]
    guard let fresh = try? RelayPort(bind: .any(port: 0), ends: (caller, target)),
      (try? poller.add(fresh.socket.descriptor, .readable, token: UInt64(fresh.socket.descriptor))) != nil
    else {
      report.refused += 1
      return nil
    }
    if callers.count >= Self.mostCallers { poller.remove(callers.removeFirst().socket.descriptor) }
    callers.append(fresh)
    report.callers += 1
    return fresh
  }

  private func sendDue() {
    let now = Clocks.monotonic
    while let flight = line.takeDue(now: now) {
      report.lateness.note(now - flight.due)
      if !flight.port.hasWaiting { filled.append(flight.port) }
      flight.port.append(flight)
    }
    for port in filled {
      let before = port.refusedCount
      port.flush()
      report.refused += port.refusedCount - before
    }
    filled.removeAll(keepingCapacity: true)
  }
}
