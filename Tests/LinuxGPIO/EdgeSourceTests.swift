import Glibc
import LinuxGPIO
import STTBuffers
import STTSample
import Testing

/// Keeps events; edges need a GPIO chip, which the kernel tests have (boards/qemu).
private struct Events: SourceOutlet, ~Copyable {
  let pool = BufferPool([SlabClass(byteCount: 4096, count: 2)])
  var list: [SourceEvent] = []

  mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }
  mutating func emit(_ output: consuming SourceOutput, comesAgain: Bool) -> Bool { true }
  mutating func report(_ event: SourceEvent) { list.append(event) }
}

@Suite struct EdgeSourceTests {
  private func source(chip: String?) throws -> EdgeSource {
    try EdgeSource(
      StreamDescription(name: "gpio", schema: .opaque), messageName: "gpio", lines: [.name("no such line")], chip: chip)
  }

  @Test func aChipThatIsNotThereIsOneEventAndIsLookedForAgain() throws {
    let source = try source(chip: "no such chip")
    var events = Events()
    var now: UInt64 = 1_000_000_000
    var waits: [UInt64] = []
    for _ in 0..<5 {
      source.produce(now: SampleTime(monotonicNanoseconds: now, wallNanoseconds: 0), into: &events)
      #expect(source.descriptor == nil)
      let next = source.deadline ?? 0
      waits.append(next - now)
      now = next
    }
    #expect(waits == [250_000_000, 500_000_000, 1_000_000_000, 1_000_000_000, 1_000_000_000])
    #expect(events.list.count == 1)
    guard case .unavailable(let reason) = events.list.first else {
      Issue.record("the first event was \(String(describing: events.list.first))")
      return
    }
    #expect(reason.contains("no such chip"))
  }

  @Test func beforeItsTimeNothingIsLookedFor() throws {
    let source = try source(chip: nil)
    var events = Events()
    source.produce(now: SampleTime(monotonicNanoseconds: 5, wallNanoseconds: 0), into: &events)
    let deadline = source.deadline
    source.produce(now: SampleTime(monotonicNanoseconds: 6, wallNanoseconds: 0), into: &events)
    #expect(source.deadline == deadline)
  }

  @Test func aRefusalNamesTheGroupAndTheRule() throws {
    let text = "\(LineTrouble.refused(doing: "open", path: "/dev/gpiochip0", errno: EACCES))"
    #expect(text.hasPrefix("cannot open /dev/gpiochip0: Permission denied"))
    #expect(text.contains("group gpio"))
    #expect(text.contains("SUBSYSTEM==\"gpio\""))
  }

  @Test func whatALineTellsIsExplainedInItsSchema() throws {
    let description = try source(chip: nil).description
    #expect(description.schema.name == "stt.gpio")
    #expect(description.maximumMessageByteCount == "no such line".utf8.count + 32)
  }
}
