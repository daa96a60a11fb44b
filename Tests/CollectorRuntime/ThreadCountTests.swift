import LinuxEvents
import Testing

@testable import STTBoard
@testable import STTCollectorRuntime

/// How many receive threads there are, as docs/configuration.md says.
@Suite struct ThreadCountTests {
  private func limits(_ threads: Int?, memory: Int) -> CollectorConfiguration.Admission {
    .init(
      sessionCount: 10, handshakesPerSecond: 10, maximumMessageByteCount: 1024, memoryByteCount: memory,
      receiveThreadCount: threads)
  }

  @Test func whatIsAskedForIsTaken() {
    #expect(limits(5, memory: 256 << 20).threadCount(devices: 1) == 5)
  }

  @Test func byItselfHalfTheProcessorsWhereMemoryAndDevicesAreEnough() {
    #expect(limits(nil, memory: 1 << 30).threadCount(devices: 100) == max(1, min(8, Processor.count / 2)))
    #expect(limits(nil, memory: 1 << 30).threadCount(devices: 1) == 1)
    #expect(limits(nil, memory: 16 << 20).threadCount(devices: 100) == 1)
    #expect(limits(nil, memory: 64 << 20).threadCount(devices: 100) <= 2)
  }
}
