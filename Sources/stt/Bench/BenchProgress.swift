import CLinux
import Glibc
import LinuxEvents
import Synchronization

/// A bar on a terminal while a measurement runs; elsewhere nothing.
final class BenchProgress: Sendable {
  private struct State {
    var step = ""
    var isOver = false
  }

  private static let width = 30
  private let state = Mutex(State())
  private let began = Clocks.monotonic
  private let expected: Double

  private init(expectedSeconds: Double) { expected = max(expectedSeconds, 1) }

  /// Runs a measurement that takes about so long.
  static func during<Result>(
    _ expectedSeconds: Double, _ measure: (BenchProgress) throws -> Result
  ) throws -> Result {
    let progress = BenchProgress(expectedSeconds: expectedSeconds)
    guard isatty(2) == 1 else { return try measure(progress) }
    let thread = try WorkerThread(name: "stt-progress") { progress.draw() }
    defer {
      progress.state.withLock { $0.isOver = true }
      thread.join()
    }
    return try measure(progress)
  }

  /// What is measured from now on.
  func step(_ name: String) { state.withLock { $0.step = name } }

  private func draw() {
    while true {
      let now = state.withLock { $0 }
      if now.isOver { break }
      let share = min(1, Double(Clocks.monotonic - began) / 1e9 / expected)
      let filled = Int(share * Double(Self.width))
      writeToStandardError(
        "\r[\(String(repeating: "#", count: filled))\(String(repeating: ".", count: Self.width - filled))] "
          + "\(Int(share * 100)) % \(now.step)\u{1B}[K")
      var pause = timespec(tv_sec: 0, tv_nsec: 200_000_000)
      nanosleep(&pause, nil)
    }
    writeToStandardError("\r\u{1B}[K")
  }
}
