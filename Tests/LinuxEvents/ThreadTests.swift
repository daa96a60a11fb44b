import Glibc
import LinuxEvents
import Synchronization
import Testing

@Suite struct ThreadTests {
  private final class Note<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
    var current: Value {
      get { value.withLock { $0 } }
      set { value.withLock { $0 = newValue } }
    }
  }

  @Test(arguments: [("udp", "udp"), ("fifteen-bytes-x", "fifteen-bytes-x"), ("sixteen-bytes-xx", "sixteen-bytes-x")])
  func theNameShowsCutAt15Bytes(name: String, shown: String) throws {
    let note = Note("")
    try WorkerThread(name: name) {
      note.current = contents("/proc/thread-self/comm") ?? "no /proc"
    }.join()
    #expect(note.current == shown + "\n")
  }

  @Test func joinWaitsForTheBodyAndTwiceIsHarmless() throws {
    let note = Note(0)
    let wakeup = try WakeupDescriptor()
    let thread = try WorkerThread(name: "waits") {
      guard var poller = try? Poller(), (try? poller.add(wakeup.descriptor, .readable, token: 0)) != nil else { return }
      try? poller.wait(until: .max)
      note.current = 1
    }
    wakeup.signal()
    thread.join()
    #expect(note.current == 1)
    thread.join()
  }

  @Test func theThreeSignalsBecomeReadableAndStopTheirDefault() throws {
    let note = Note<[SignalDescriptor.Signal?]>([])
    // A thread of its own: blocking signals is a thread's matter, and so is a signal sent to one.
    try WorkerThread(name: "signals") {
      guard let signals = try? SignalDescriptor() else { return }
      var seen = [signals.next()]
      for number in [SIGHUP, SIGTERM, SIGINT] {
        pthread_kill(pthread_self(), number)
        seen.append(signals.next())
      }
      seen.append(signals.next())
      note.current = seen
    }.join()
    #expect(note.current == [nil, .reload, .stop, .stop, nil])
  }

  @Test func theMonotonicClockNeverGoesBackAndWallTimeIsOurs() {
    var last = Clocks.monotonic
    for _ in 0..<10_000 {
      let now = Clocks.monotonic
      #expect(now >= last)
      last = now
    }
    // The C library's, read before and after, encloses ours. Not `time`: its second begins up to a tick later.
    func realTime() -> UInt64 {
      var now = timespec()
      clock_gettime(CLOCK_REALTIME, &now)
      return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
    let before = realTime()
    let wall = Clocks.wall
    #expect(wall >= before && wall <= realTime())
  }

  @Test func theProcessorAgreesWithTheKernelAboutAES() throws {
    guard let text = contents("/proc/cpuinfo") else { try Test.cancel("there is no /proc/cpuinfo") }
    let words = text.split(whereSeparator: { $0 == " " || $0 == "\n" || $0 == "\t" })
    let multiplies = words.contains("pclmulqdq") || words.contains("pmull")
    #expect(Processor.hasAESInstructions == (words.contains("aes") && multiplies))
  }
}

/// The first 64 KiB of a file, or `nil` when it can't be read.
private func contents(_ path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes = [UInt8](repeating: 0, count: 65_536)
  let count = fread(&bytes, 1, bytes.count, file)
  return String(decoding: bytes[..<count], as: UTF8.self)
}
