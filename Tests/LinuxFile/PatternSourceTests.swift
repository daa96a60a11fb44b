import STTBuffers
import STTSample
import Testing

@testable import LinuxFile

@Suite struct PatternSourceTests {
  let description = StreamDescription(name: "pattern", schema: .opaque)

  @Test(arguments: [1, 7, 16, 17, 100, 4096, 4097, 70_001])
  func everyMessageVerifiesAndNoOtherDoes(byteCount: Int) throws {
    let source = try PatternSource(description, messageByteCount: byteCount, count: 20, seed: 42)
    var collector = Collector()
    source.run(&collector)
    #expect(collector.messages.map(\.payload.count) == Array(repeating: byteCount, count: 20))
    #expect(collector.events == [.finished])
    for (index, message) in collector.messages.enumerated() {
      #expect(message.isFrame == (byteCount > 4096))
      let matches = message.payload.withUnsafeBytes {
        PatternVerifier.matches(RawSpan(_unsafeBytes: $0), seed: 42, index: UInt64(index))
      }
      #expect(matches)
      for place in [0, byteCount / 2, byteCount - 1] {
        var changed = message.payload
        changed[place] ^= 1
        let stillMatches = changed.withUnsafeBytes {
          PatternVerifier.matches(RawSpan(_unsafeBytes: $0), seed: 42, index: UInt64(index))
        }
        #expect(!stillMatches)
      }
    }
  }

  @Test func theContentIsFrozen() {
    var bytes = [UInt8](repeating: 0, count: 27)
    bytes.withUnsafeMutableBytes { Pattern.fill($0, seed: 0x0102, index: 3) }
    #expect(bytes.prefix(16) == [3, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0])
    let index = bytes.withUnsafeBytes { PatternVerifier.index(of: RawSpan(_unsafeBytes: $0), seed: 0x0102) }
    #expect(index == 3)
    let other = bytes.withUnsafeBytes { PatternVerifier.index(of: RawSpan(_unsafeBytes: $0), seed: 0x0103) }
    #expect(other == nil)
  }

  @Test(arguments: [100, 5000])
  func withoutARateNothingRefusedIsLost(byteCount: Int) throws {
    let source = try PatternSource(description, messageByteCount: byteCount, count: 12_000, seed: 7)
    var collector = Collector()
    var now: UInt64 = 0
    while let deadline = source.deadline {
      now = max(now, deadline)
      collector.refusedOutputs = now % 3_000_000 == 0 ? 1 : 0
      collector.refusedLeases = now % 5_000_000 == 0 ? 1 : 0
      source.produce(now: .at(now), into: &collector)
      now += 500_000
    }
    #expect(collector.dropped > 0)
    #expect(collector.events == [.finished])
    let indices = collector.messages.map {
      $0.payload.withUnsafeBytes { PatternVerifier.index(of: RawSpan(_unsafeBytes: $0), seed: 7) }
    }
    #expect(indices == (0..<12_000).map { UInt64($0) })
  }

  @Test func aRefusalIsTriedAgainAMillisecondLater() throws {
    let source = try PatternSource(description, messageByteCount: 5000)
    var collector = Collector()
    collector.refusedLeases = 1
    source.produce(now: .at(10), into: &collector)
    #expect(source.deadline == 1_000_010)
    #expect(collector.messages.isEmpty)
  }

  @Test func withARateMessagesComeAtTheirTimesAndLateOnesAreMadeUpFor() throws {
    let source = try PatternSource(description, messageByteCount: 32, hertz: 1000, seed: 1)
    var collector = Collector()
    source.produce(now: .at(5_000_000), into: &collector)
    #expect(collector.messages.count == 1)
    #expect(source.deadline == 6_000_000)
    source.produce(now: .at(5_999_999), into: &collector)
    #expect(collector.messages.count == 1)
    source.produce(now: .at(15_000_000), into: &collector)
    #expect(collector.messages.count == 11)
    #expect(collector.events.isEmpty)
  }

  @Test func withARateWhatFoundNoBufferIsOneGap() throws {
    let source = try PatternSource(description, messageByteCount: 5000, hertz: 1000, seed: 1)
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    collector.refusedLeases = 1
    source.produce(now: .at(10_000_000), into: &collector)
    #expect(collector.events == [.gap(count: 10, reason: "no buffer was free")])
    source.produce(now: .at(11_000_000), into: &collector)
    let last = collector.messages.last?.payload.withUnsafeBytes {
      PatternVerifier.index(of: RawSpan(_unsafeBytes: $0), seed: 1)
    }
    #expect(last == 11)
  }

  @Test func impossibleSettingsAreRefused() {
    #expect(throws: FileSourceError.byteCount("a message", 0, allowed: PatternSource.messageByteCounts)) {
      try PatternSource(description, messageByteCount: 0)
    }
    #expect(throws: FileSourceError.self) { try PatternSource(description, messageByteCount: 16, hertz: 0) }
    #expect(throws: FileSourceError.self) { try PatternSource(description, messageByteCount: 16, hertz: .nan) }
  }
}
