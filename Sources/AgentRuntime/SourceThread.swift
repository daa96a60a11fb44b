import LinuxEvents
import Logging
import STTBuffers
import STTSample
import Synchronization

/// One thread and the sources it runs: those of one entry of the configuration, so that a device
/// that blocks holds up nothing but itself.
final class SourceThread: @unchecked Sendable {
  // Sound because the sources are touched by the thread alone once it runs; the rest is immutable
  // or atomic.
  let ring: Ring<SourceItem>
  let counters = SourceCounters()
  private let sources: [any SampleSource]
  private let firstStream: Int
  private let pool: BufferPool
  private let wakeup: WakeupDescriptor
  private let link: LinkFigures
  private let stopping: WakeupDescriptor
  private let isStopping = Atomic<Bool>(false)
  private let name: String
  private let log: Logger
  private var thread: WorkerThread?

  private static let stopToken = UInt64.max

  /// - Parameters:
  ///   - firstStream: the stream of the first source; the others follow.
  ///   - wakeup: wakes the session's thread.
  init(
    name: String, sources: [any SampleSource], firstStream: Int, ringCapacity: Int, pool: BufferPool,
    wakeup: WakeupDescriptor, link: LinkFigures, log: Logger
  ) throws(SystemFailure) {
    self.name = name
    self.sources = sources
    self.firstStream = firstStream
    self.pool = pool
    self.wakeup = wakeup
    self.link = link
    self.log = log
    ring = Ring(capacity: ringCapacity)
    stopping = try WakeupDescriptor()
  }

  func start() throws(SystemFailure) {
    thread = try WorkerThread(name: "stt-\(name)") { self.run() }
  }

  /// Asks the thread to end and waits until it has.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    stopping.signal()
    thread?.join()
    thread = nil
  }

  private func run() {
    do {
      var poller = try Poller()
      try poller.add(stopping.descriptor, .readable, token: Self.stopToken)
      var outlet = RingOutlet(pool: pool, ring: ring, wakeup: wakeup, counters: counters, link: link)
      var watched = [CInt?](repeating: nil, count: sources.count)
      while !isStopping.load(ordering: .acquiring) {
        let next = produce(&outlet)
        watch(&watched, poller)
        try poller.wait(until: next)
      }
    } catch {
      log.error("the source \(name) ended: \(error)")
    }
  }

  /// Runs every source whose time has come or that has something to read; answers the next deadline.
  private func produce(_ outlet: inout RingOutlet) -> UInt64 {
    var next = UInt64.max
    for (index, source) in sources.enumerated() {
      outlet.stream = firstStream + index
      let now = Clocks.monotonic
      if source.descriptor != nil || (source.deadline ?? .max) <= now {
        source.produce(
          now: SampleTime(monotonicNanoseconds: now, wallNanoseconds: Clocks.wall), into: &outlet)
      }
      next = min(next, source.deadline ?? .max)
    }
    return next
  }

  /// A source may have closed its descriptor or opened another.
  private func watch(_ watched: inout [CInt?], _ poller: borrowing Poller) {
    for (index, source) in sources.enumerated() where watched[index] != source.descriptor {
      if let old = watched[index] { poller.remove(old) }
      watched[index] = source.descriptor
      guard let descriptor = source.descriptor else { continue }
      do { try poller.add(descriptor, .readable, token: UInt64(index)) } catch {
        log.error("cannot wait for \(source.description.name): \(error)")
      }
    }
  }
}
