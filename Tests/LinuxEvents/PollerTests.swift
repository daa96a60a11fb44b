import Glibc
import LinuxEvents
import Testing

/// A pipe that closes itself.
final class Pipe {
  let reader: CInt
  private(set) var writer: CInt

  init() throws {
    var ends: [CInt] = [0, 0]
    guard pipe(&ends) == 0 else { throw SystemFailure(call: "pipe", number: errno) }
    (reader, writer) = (ends[0], ends[1])
  }

  deinit {
    close(reader)
    hangUp()
  }

  func write() { _ = Glibc.write(writer, "x", 1) }

  func hangUp() {
    if writer >= 0 { close(writer) }
    writer = -1
  }
}

/// `#expect` takes no noncopyable values, so this holds one.
final class PollerBox {
  private var poller: Poller
  init() throws { poller = try Poller() }
  func add(_ fd: CInt, _ interest: Poller.Interest, token: UInt64) throws(SystemFailure) {
    try poller.add(fd, interest, token: token)
  }
  func modify(_ fd: CInt, _ interest: Poller.Interest, token: UInt64) throws(SystemFailure) {
    try poller.modify(fd, interest, token: token)
  }
  func remove(_ fd: CInt) { poller.remove(fd) }

  /// What is ready, by token.
  func wait(until deadline: UInt64) throws -> [UInt64: Poller.Interest] {
    try poller.wait(until: deadline)
    var ready: [UInt64: Poller.Interest] = [:]
    for index in 0..<poller.count { ready[poller[index].token] = poller[index].ready }
    return ready
  }
}

@Suite struct PollerTests {
  @Test func aDeadlineInThePastOnlyLooks() throws {
    let poller = try PollerBox()
    let pipe = try Pipe()
    try poller.add(pipe.reader, .readable, token: 1)
    #expect(try poller.wait(until: 0) == [:])
    pipe.write()
    #expect(try poller.wait(until: 0) == [1: .readable])
  }

  @Test func waitsNoShorterThanToTheDeadline() throws {
    let poller = try PollerBox()
    for nanoseconds in [1, 999, 100_000, 1_500_000] as [UInt64] {
      let deadline = Clocks.monotonic + nanoseconds
      #expect(try poller.wait(until: deadline) == [:])
      #expect(Clocks.monotonic >= deadline)
    }
  }

  @Test func reportsUntilWhatIsThereWasTaken() throws {
    let poller = try PollerBox()
    let pipe = try Pipe()
    try poller.add(pipe.reader, .readable, token: .max)
    pipe.write()
    #expect(try poller.wait(until: .max) == [.max: .readable])
    #expect(try poller.wait(until: .max) == [.max: .readable])
    var byte: UInt8 = 0
    #expect(read(pipe.reader, &byte, 1) == 1)
    #expect(try poller.wait(until: 0) == [:])
  }

  @Test func aHangUpIsReportedUnasked() throws {
    let poller = try PollerBox()
    let pipe = try Pipe()
    try poller.add(pipe.reader, [], token: 5)
    pipe.write()
    #expect(try poller.wait(until: 0) == [:])
    pipe.hangUp()
    let ready = try poller.wait(until: .max)
    #expect(ready[5]?.isDisjoint(with: .failed) == false)
  }

  @Test func whatToWaitForAndTheTokenCanChange() throws {
    let poller = try PollerBox()
    let pipe = try Pipe()
    try poller.add(pipe.writer, [], token: 1)
    #expect(try poller.wait(until: 0) == [:])
    try poller.modify(pipe.writer, .writable, token: 2)
    #expect(try poller.wait(until: .max) == [2: .writable])
    poller.remove(pipe.writer)
    #expect(try poller.wait(until: 0) == [:])
    poller.remove(pipe.writer)
  }

  @Test(arguments: [64, 65, 200])
  func allReadyDescriptorsAreSeenInTheEnd(count: Int) throws {
    let poller = try PollerBox()
    let wakeups = try (0..<count).map { _ in try WakeupDescriptor() }
    for (index, wakeup) in wakeups.enumerated() {
      try poller.add(wakeup.descriptor, .readable, token: UInt64(index))
      wakeup.signal()
    }
    var seen: Set<UInt64> = []
    // The descriptors stay ready; the kernel turns its list so that none is starved.
    for _ in 0...count / 64 { seen.formUnion(try poller.wait(until: .max).keys) }
    #expect(seen == Set((0..<count).map(UInt64.init)))
  }

  @Test func aRegularFileIsRefused() throws {
    let poller = try PollerBox()
    let file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
    defer { close(file) }
    let error = #expect(throws: SystemFailure.self) { try poller.add(file, .readable, token: 1) }
    #expect(error?.number == EPERM)
    #expect(error?.description == "epoll_ctl: Operation not permitted")
  }

  @Test func aDescriptorIsAddedOnce() throws {
    let poller = try PollerBox()
    let pipe = try Pipe()
    try poller.add(pipe.reader, .readable, token: 1)
    #expect(throws: SystemFailure(call: "epoll_ctl", number: EEXIST)) {
      try poller.add(pipe.reader, .readable, token: 2)
    }
    #expect(throws: SystemFailure(call: "epoll_ctl", number: ENOENT)) {
      try poller.modify(pipe.writer, .writable, token: 2)
    }
  }
}
