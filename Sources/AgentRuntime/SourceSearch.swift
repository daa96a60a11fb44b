import LinuxEvents
import STTBoard
import STTSample
import Synchronization

/// Looks for the devices of sources that were not there when the agent started and whose streams can't be described
/// without them. A thread of its own, because a look at a device may take its time.
final class SourceSearch: Sendable {
  /// A source and what it was made from.
  ///
  /// Sound although sources are no values: one that was found is handed over and not touched here again.
  struct Found: @unchecked Sendable {
    var configuration: SourceConfiguration
    var sources: [any SampleSource]
  }

  private static let interval: UInt64 = 500_000_000

  private let found = Mutex<[Found]>([])
  private let isStopping = Atomic<Bool>(false)
  private let stopping: WakeupDescriptor
  private let wakeup: WakeupDescriptor
  private let thread = Mutex<WorkerThread?>(nil)
  private let wanted: [SourceConfiguration]

  /// - Parameter wakeup: wakes whoever calls ``take()``.
  init(_ wanted: [SourceConfiguration], wakeup: WakeupDescriptor) throws(SystemFailure) {
    self.wanted = wanted
    self.wakeup = wakeup
    stopping = try WakeupDescriptor()
  }

  func start() throws(SystemFailure) {
    guard !wanted.isEmpty else { return }
    let started = try WorkerThread(name: "stt-search") { self.run() }
    thread.withLock { $0 = started }
  }

  func stop() {
    isStopping.store(true, ordering: .releasing)
    stopping.signal()
    thread.withLock { $0.take() }?.join()
  }

  /// What was found since.
  func take() -> [Found] {
    found.withLock { found in
      defer { found = [] }; return found
    }
  }

  private func run() {
    guard var poller = try? Poller(), (try? poller.add(stopping.descriptor, .readable, token: 0)) != nil else { return }
    var missing = wanted
    while !missing.isEmpty, !isStopping.load(ordering: .acquiring) {
      // Whatever fails now may be right a moment later: a driver still at work, rights udev has yet to give.
      missing.removeAll { configuration in
        guard let sources = try? SourceAssembly.sources(configuration) else { return false }
        found.withLock { $0.append(Found(configuration: configuration, sources: sources)) }
        wakeup.signal()
        return true
      }
      _ = try? poller.wait(until: Clocks.monotonic + Self.interval)
    }
  }
}
