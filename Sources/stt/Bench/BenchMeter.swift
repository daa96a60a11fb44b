import CAllocations
import LinuxEvents

/// Counts a run: time from the first message to the last, CPU time, allocations after warm-up.
struct BenchMeter {
  private static let warmUp: UInt64 = 1_000_000_000
  /// From here on a sender has found its rate.
  static let steadyAfterSeconds = 2

  /// The sender stops so long after its first message.
  private let length: UInt64

  private var first: UInt64?
  private var last: UInt64 = 0
  private var cpuAtFirst: UInt64 = 0
  private var warm: (allocations: UInt64, messages: UInt64, resident: UInt64)?
  private(set) var messages: UInt64 = 0
  private(set) var bytes: UInt64 = 0
  private var steadyBytes: UInt64 = 0

  init(seconds: Int) { length = UInt64(seconds) * 1_000_000_000 }

  /// After a batch of datagrams or a turn of the loop, not after every message.
  mutating func note(messages count: UInt64, bytes byteCount: UInt64) {
    guard count > 0 else { return }
    let now = Clocks.monotonic
    if first == nil {
      first = now
      cpuAtFirst = Clocks.processCPU
    }
    messages += count
    bytes += byteCount
    last = now
    let age = now - (first ?? now)
    if age >= UInt64(Self.steadyAfterSeconds) * 1_000_000_000, age < length { steadyBytes += byteCount }
    if warm == nil, now - (first ?? now) >= Self.warmUp {
      let resident = ResidentMemory.byteCount
      warm = (callocations_count(), messages, resident)
    }
  }

  /// Seconds since the first message.
  var age: Double { Double(Clocks.monotonic - (first ?? Clocks.monotonic)) / 1e9 }

  func figures(packetsLost: UInt64 = 0) -> BenchFigures {
    var figures = BenchFigures()
    figures.messages = messages
    figures.bytes = bytes
    figures.steadyBytes = steadyBytes
    figures.seconds = Double(last - (first ?? last)) / 1e9
    figures.cpuSeconds = Double(Clocks.processCPU - cpuAtFirst) / 1e9
    if let warm, messages > warm.messages {
      figures.allocations = callocations_count() - warm.allocations
      figures.countedMessages = messages - warm.messages
      figures.resident = (warm.resident, ResidentMemory.byteCount)
    }
    figures.packetsLost = packetsLost
    return figures
  }
}
