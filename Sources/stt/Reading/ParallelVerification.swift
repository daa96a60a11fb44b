import Glibc
import LinuxEvents
import STTRecord
import STTRecorder
import Synchronization

/// Verifies files side by side, one on each processor.
final class ParallelVerification: @unchecked Sendable {
  // Sound because keys only answer questions, the sources are each read by one thread, and the rest is guarded.
  private let sources: [FileSource]
  /// The largest first: the last to end is then a small one.
  private let order: [Int]
  private let keys: KeySources
  private let next = Atomic<Int>(0)
  private let done = Atomic<UInt64>(0)
  private let results: Mutex<[Result<SegmentReport, any Error>?]>

  init(_ sources: [FileSource], keys: KeySources) {
    self.sources = sources
    self.keys = keys
    order = sources.indices.sorted { sources[$0].byteCount > sources[$1].byteCount }
    results = Mutex(Array(repeating: nil, count: sources.count))
  }

  /// The files' reports, in their order.
  ///
  /// - Parameter progress: told the bytes done, on this thread.
  func run(progress: (UInt64) -> Void) throws -> [SegmentReport] {
    let processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let threads = try (1..<max(1, min(processors, sources.count, 16))).map { number in
      try WorkerThread(name: "stt-verify-\(number)") { self.work { _ in } }
    }
    work(progress)
    for thread in threads { thread.join() }
    return try results.withLock { results in try results.compactMap { try $0?.get() } }
  }

  private func work(_ progress: (UInt64) -> Void) {
    while true {
      let turn = next.add(1, ordering: .relaxed).oldValue
      guard turn < order.count else { return }
      let place = order[turn]
      var reached: UInt64 = 0
      let result = Result {
        try SegmentVerifier.verify(
          sources[place], decompressor: Zstandard(), opener: SegmentUnsealer(keys),
          progress: { offset in
            let step = offset > reached ? offset - reached : 0
            reached = offset
            progress(done.add(step, ordering: .relaxed).newValue)
          })
      }
      results.withLock { $0[place] = result }
    }
  }
}
