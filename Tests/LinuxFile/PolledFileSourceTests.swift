import Glibc
import STTBuffers
import STTSample
import Testing

@testable import LinuxFile

@Suite struct PolledFileSourceTests {
  let directory = TemporaryDirectory()
  let description = StreamDescription(name: "poll", schema: .opaque)

  func source(_ attributes: [Attribute], hertz: Double = 1) throws -> PolledFileSource {
    try PolledFileSource(description, messageName: "poll", attributes, hertz: hertz)
  }

  @Test func everyKindIsWrittenAtItsPosition() throws {
    let number = directory.write("temp", "42125\n")
    let table = directory.write("table", "a: 7 kB\nflag: enabled\nid: 1d6b\nname: zürich x\nneg: -5\n")
    let source = try source([
      Attribute(number, Field("temp", .double, unit: "Cel"), scale: 0.001),
      Attribute(table, Field("a", .uint64, unit: "By"), line: "a", scale: 1024),
      Attribute(table, Field("flag", .bool), line: "flag"),
      Attribute(table, Field("id", .uint64), line: "id", isHexadecimal: true),
      Attribute(table, Field("name", .string), line: "name"),
      Attribute(table, Field("neg", .int64), line: "neg", scale: 2, offset: 1),
      Attribute(table, Field("f32", .fixed32), line: "a"),
      Attribute(table, Field("f64", .fixed64), line: "a"),
    ])
    var collector = Collector()
    source.produce(now: .at(1_000), into: &collector)
    // Doubles: 42.125 is 0x40451000_00000000.
    var expected: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0x10, 0x45, 0x40]
    expected += [0x10, 0x80, 0x38, 0x18, 1, 0x20, 0xEB, 0x3A, 0x2A, 7] + Array("zürich".utf8)
    expected += [0x30, 0xF7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]
    expected += [0x3D, 7, 0, 0, 0, 0x41, 7, 0, 0, 0, 0, 0, 0, 0]
    #expect(collector.messages == [.init(time: .at(1_000), payload: expected)])
    #expect(collector.events.isEmpty)
    #expect(source.description.schema.name == "stt.poll")
  }

  @Test func aValueThatCannotBeReadLeavesItsFieldOut() throws {
    let table = directory.write("table", "good: 1\nword: seven\nnegative: -1\nhuge: 4294967296\nbad: \u{fffd}\n")
    var bytes = Array("raw: ".utf8) + [0xC3, 0x28]
    bytes += Array("\n".utf8)
    let raw = directory.write("raw", bytes)
    let source = try source([
      Attribute(table, Field("missing", .uint64), line: "missing"),
      Attribute(table, Field("good", .uint64), line: "good"),
      Attribute(table, Field("word", .double), line: "word"),
      Attribute(table, Field("negative", .uint64), line: "negative"),
      Attribute(table, Field("huge", .fixed32), line: "huge"),
      Attribute(raw, Field("text", .string), line: "raw"),
    ])
    var collector = Collector()
    source.produce(now: .at(1), into: &collector)
    #expect(collector.messages.map(\.payload) == [[0x10, 1]])
    #expect(collector.events.isEmpty)
  }

  @Test func aFileIsReadAnewEachTime() throws {
    let path = directory.write("value", "1\n")
    let source = try source([Attribute(path, Field("value", .uint64))])
    var collector = Collector()
    for value in 1...5 {
      directory.write("value", "\(value)\n")
      source.produce(now: .at(UInt64(value) * 1_000_000_000), into: &collector)
    }
    #expect(collector.messages.map(\.payload) == (1...5).map { [0x08, UInt8($0)] })
  }

  @Test func aFileThatComesLaterIsReportedAndFound() throws {
    let path = directory.path + "/late"
    let other = directory.write("other", "9")
    let source = try source([Attribute(path, Field("late", .uint64)), Attribute(other, Field("other", .uint64))])
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    #expect(collector.messages.map(\.payload) == [[0x10, 9]])
    #expect(collector.events.count == 1)
    #expect(collector.events.first?.isUnavailable == true)
    source.produce(now: .at(1_000_000_000), into: &collector)
    #expect(collector.events.count == 1, "reported once, not at every attempt")
    directory.write("late", "3")
    source.produce(now: .at(2_000_000_000), into: &collector)
    #expect(collector.messages.last?.payload == [0x08, 3, 0x10, 9])
    #expect(collector.events.last == .available)
  }

  @Test func withoutAnyValueNothingIsSentAndItIsSaidOnce() throws {
    let path = directory.write("value", "none\n")
    let source = try source([Attribute(path, Field("value", .double))])
    var collector = Collector()
    for second in 1...3 { source.produce(now: .at(UInt64(second) * 1_000_000_000), into: &collector) }
    #expect(collector.messages.isEmpty)
    #expect(collector.events.count == 1)
    directory.write("value", "1.5\n")
    source.produce(now: .at(4_000_000_000), into: &collector)
    #expect(collector.messages.count == 1)
    #expect(collector.events.last == .available)
  }

  @Test func missedTicksAreOneGapAndNotMadeUpFor() throws {
    let path = directory.write("value", "1")
    let source = try source([Attribute(path, Field("value", .uint64))], hertz: 10)
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    #expect(source.deadline == 100_000_000)
    source.produce(now: .at(99_999_999), into: &collector)
    source.produce(now: .at(1_050_000_000), into: &collector)
    #expect(collector.messages.map(\.time) == [.at(0), .at(1_050_000_000)])
    #expect(collector.events == [.gap(count: 9, reason: "the source was called too late")])
    #expect(source.deadline == 1_100_000_000)
  }

  @Test func above100HertzSamplesShareABufferForTenMilliseconds() throws {
    let path = directory.write("value", "1")
    let source = try source([Attribute(path, Field("value", .uint64))], hertz: 1000)
    var collector = Collector()
    for index in 0..<100 { source.produce(now: .at(UInt64(index) * 1_000_000), into: &collector) }
    #expect(collector.messages.count == 100)
    #expect(collector.outputs == 10)
    #expect(collector.messages.map(\.time) == (0..<100).map { .at($0 * 1_000_000) })
  }

  @Test func withoutABufferSamplesAreCountedInOneGap() throws {
    let path = directory.write("value", "1")
    let source = try source([Attribute(path, Field("value", .uint64))])
    var collector = Collector()
    collector.refusedLeases = 3
    source.run(&collector, turns: 5)
    #expect(collector.messages.count == 2)
    #expect(collector.events == [.gap(count: 3, reason: "no buffer was free")])
  }

  @Test func allBuffersComeHome() throws {
    let path = directory.write("value", "1")
    let pool = BufferPool([SlabClass(byteCount: 1024, count: 4)])
    do {
      let source = try source([Attribute(path, Field("value", .uint64))], hertz: 500)
      var collector = Collector(pool)
      source.run(&collector, turns: 103)
    }
    #expect(pool.outstanding == 0)
  }

  @Test func longFilesAreReadToTheirEnd() throws {
    let lines = (0..<5000).map { "key\($0): \($0)\n" }.joined()
    let path = directory.write("long", lines)
    let source = try source([Attribute(path, Field("last", .uint64), line: "key4999")])
    var collector = Collector()
    source.run(&collector, turns: 2)
    #expect(collector.messages.map(\.payload) == [[0x08, 0x87, 0x27], [0x08, 0x87, 0x27]])
  }

  @Test func thisMachinesUptimeGrows() throws {
    try #require(access("/proc/uptime", R_OK) == 0, "no /proc/uptime here")
    let source = try source([Attribute("/proc/uptime", Field("uptime", .double, unit: "s"))])
    var collector = Collector()
    source.run(&collector, turns: 2)
    let values = collector.messages.map { message in
      message.payload.dropFirst().reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }.map(Double.init(bitPattern:))
    #expect(values.count == 2)
    #expect(values[0] > 0)
    #expect(values[1] >= values[0])
  }

  @Test func impossibleSettingsAreRefused() {
    let attribute = Attribute("/x", Field("x", .double))
    #expect(throws: FileSourceError.noAttributes) { try source([]) }
    for rate in [0, 0.009, 1000.1, .infinity, .nan] {
      #expect(throws: FileSourceError.self) { try source([attribute], hertz: rate) }
    }
    #expect(throws: FileSourceError.tooManyAttributes(2048, most: 2047)) {
      try source(Array(repeating: attribute, count: 2048))
    }
  }
}
