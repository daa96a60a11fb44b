import Glibc

/// Names the seeds that were running when the process traps: a crash is a finding like any other.
enum CrashNote {
  private static let most = 64
  // Written by one worker each, read in the signal handler, where nothing may be allocated.
  nonisolated(unsafe) private static let seeds: UnsafeMutablePointer<UInt64> = {
    let seeds = UnsafeMutablePointer<UInt64>.allocate(capacity: most)
    seeds.initialize(repeating: 0, count: most)
    return seeds
  }()

  static func running(_ seed: UInt64, worker: Int) { seeds[worker % most] = seed }

  static func install() {
    running(0, worker: 0)
    for signal in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
      Glibc.signal(signal) { number in
        for worker in 0..<CrashNote.most where CrashNote.seeds[worker] != 0 { CrashNote.write(CrashNote.seeds[worker]) }
        _exit(128 + number)
      }
    }
  }

  private static func write(_ seed: UInt64) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 21) { text in
      var place = 20
      text[place] = 10
      var left = seed
      repeat {
        place -= 1
        text[place] = 48 + UInt8(left % 10)
        left /= 10
      } while left > 0
      let lead: StaticString = "crashed while one of these ran; again: make simulate SEED="
      _ = Glibc.write(2, lead.utf8Start, lead.utf8CodeUnitCount)
      _ = Glibc.write(2, text.baseAddress.map { $0 + place }, 21 - place)
    }
  }
}
