import Glibc
import STTBuffers
import STTSample
import Testing

@testable import LinuxFile

@Suite struct StreamedFileSourceTests {
  let directory = TemporaryDirectory()
  let description = StreamDescription(name: "file", schema: .opaque)

  func source(
    _ path: String, _ framing: Framing, loops: Bool = false, hertz: Double? = nil
  ) throws -> StreamedFileSource {
    try StreamedFileSource(description, path: path, framing: framing, loops: loops, framesPerSecond: hertz)
  }

  func read(_ content: [UInt8], _ framing: Framing) throws -> (messages: [[UInt8]], events: [SourceEvent]) {
    let source = try source(directory.write("input", content), framing)
    #expect(source.descriptor == nil)
    var collector = Collector()
    source.run(&collector)
    #expect(source.deadline == nil)
    return (collector.messages.map(\.payload), collector.events)
  }

  @Test(arguments: [1, 3, 1000, 1001, 65_536, 300_000])
  func piecesOfAFileMakeTheFile(byteCount: Int) throws {
    let content = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let (messages, events) = try read(content, .raw(chunkByteCount: 1000))
    #expect(messages.flatMap(\.self) == content)
    #expect(messages.dropLast().allSatisfy { $0.count == 1000 })
    #expect(events == [.finished])
  }

  @Test func anEmptyFileIsFinishedAtOnce() throws {
    for framing: Framing in [
      .raw(chunkByteCount: 9), .lines(maximumByteCount: 9), .lengthPrefixed(.u8, maximumByteCount: 9),
      .jpeg(maximumByteCount: 9, frameID: nil),
    ] {
      let (messages, events) = try read([], framing)
      #expect(messages.isEmpty)
      #expect(events == [.finished])
    }
  }

  @Test func linesComeWithoutTheirEndsAndTheLastNeedsNone() throws {
    let (messages, events) = try read(Array("one\ntwo\r\n\nlast".utf8), .lines(maximumByteCount: 100))
    #expect(messages == ["one", "two", "", "last"].map { Array($0.utf8) })
    #expect(events == [.finished])
  }

  @Test func overlongLinesAreCutAndCounted() throws {
    let long = String(repeating: "x", count: 200_000)
    let (messages, events) = try read(Array("a\n\(long)\nb\n12345\n\(long)".utf8), .lines(maximumByteCount: 4))
    #expect(messages == ["a", "xxxx", "b", "1234", "xxxx"].map { Array($0.utf8) })
    #expect(events == [.gap(count: 3, reason: "lines longer than 4 bytes were cut"), .finished])
  }

  @Test func largeLinesTravelAsFrames() throws {
    let long = Array(repeating: UInt8(ascii: "y"), count: 100_000)
    let source = try source(
      directory.write("input", long + [10] + Array("s\n".utf8) + long), .lines(maximumByteCount: 100_000))
    var collector = Collector()
    source.run(&collector)
    #expect(collector.messages.map(\.payload) == [long, [UInt8(ascii: "s")], long])
    #expect(collector.messages.map(\.isFrame) == [true, false, true])
  }

  @Test(arguments: LengthPrefix.allCases)
  func lengthPrefixedMessagesOfAllSizes(prefix: LengthPrefix) throws {
    let most = prefix == .u8 ? 255 : 65_535
    let sizes = [0, 1, 200, 255, 4096, 4097, 65_535, 3, 65_535, 0].filter { $0 <= most }
    var content: [UInt8] = []
    for size in sizes {
      content += Self.prefix(prefix, size) + Array(repeating: UInt8(truncatingIfNeeded: size), count: size)
    }
    let (messages, events) = try read(content, .lengthPrefixed(prefix, maximumByteCount: most))
    #expect(messages == sizes.map { Array(repeating: UInt8(truncatingIfNeeded: $0), count: $0) })
    #expect(events == [.finished])
  }

  @Test func aLengthOfTheMaximumIsTakenAndOneMoreEndsTheFile() throws {
    let framing = Framing.lengthPrefixed(.u16BigEndian, maximumByteCount: 3)
    let (messages, events) = try read([0, 3, 1, 2, 3, 0, 4, 1, 2, 3, 4, 0, 1, 9], framing)
    #expect(messages == [[1, 2, 3]])
    #expect(events.count == 2)
    #expect(events.first?.isGap == true)
    #expect(events.last == .finished)
  }

  @Test(arguments: [[0, 0, 0], [0, 0, 0, 5], [0, 0, 0, 5, 1, 2], [0, 0, 0x20, 0, 1, 2]] as [[UInt8]])
  func aFileThatEndsWithinAMessageSaysSo(content: [UInt8]) throws {
    let (messages, events) = try read(
      [0, 0, 0, 1, 7] + content, .lengthPrefixed(.u32BigEndian, maximumByteCount: 9000))
    #expect(messages == [[7]])
    #expect(events.map(\.isGap) == [true, false])
  }

  @Test func picturesAreSplitWhereTheyEnd() throws {
    let pictures = [
      jpeg(10, mark: 1), jpeg(150_000, mark: 2), jpeg(0, mark: 3), jpeg(70_000, mark: 4), jpeg(65_000, mark: 5),
    ]
    let (messages, events) = try read(pictures.flatMap(\.self), .jpeg(maximumByteCount: 200_000, frameID: nil))
    #expect(messages == pictures)
    #expect(events == [.finished])
  }

  @Test func whatLiesBetweenPicturesIsPassedOver() throws {
    let picture = jpeg(10, mark: 1)
    let content = [1, 2, 0xFF] + picture + Array(repeating: 0, count: 100_000) + picture + [0xFF]
    let (messages, events) = try read(content, .jpeg(maximumByteCount: 200_000, frameID: nil))
    #expect(messages == [picture, picture])
    #expect(events == [.finished])
  }

  @Test func brokenOversizedAndUnfinishedPicturesAreGapsAndTheOthersArrive() throws {
    let good = jpeg(10, mark: 1)
    let broken: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 1]
    let (messages, events) = try read(
      broken + good + jpeg(5000, mark: 2) + good + good.dropLast(), .jpeg(maximumByteCount: 1000, frameID: nil))
    #expect(messages == [good, good])
    #expect(events.map(\.isGap) == [true, true, true, false])
    #expect(events.last == .finished)
  }

  @Test func aPictureWithItsHeadIsAProtobufMessage() throws {
    let picture = jpeg(300, mark: 1)
    let source = try source(directory.write("input", picture), .jpeg(maximumByteCount: 1000, frameID: "cam"))
    var collector = Collector()
    source.produce(now: SampleTime(monotonicNanoseconds: 5, wallNanoseconds: 3_000_000_001), into: &collector)
    let head: [UInt8] = [0x0A, 4, 0x08, 3, 0x10, 1, 0x1A, 4] + Array("jpeg".utf8) + [0x22, 3] + Array("cam".utf8)
    let length = [UInt8(picture.count & 0x7F | 0x80), UInt8(picture.count >> 7)]
    #expect(collector.messages.map(\.payload) == [head + [0x12] + length + picture])
  }

  @Test(arguments: [
    Framing.raw(chunkByteCount: 5000), .lines(maximumByteCount: 20_000),
    .lengthPrefixed(.u16LittleEndian, maximumByteCount: 9000),
    .jpeg(maximumByteCount: 100_000, frameID: nil),
  ])
  func nothingOfAFileIsLostToABusyOutlet(framing: Framing) throws {
    let (path, expected) = content(for: framing)
    let source = try source(path, framing)
    var collector = Collector()
    var now: UInt64 = 0
    var generator = Generator(state: 11)
    while let deadline = source.deadline {
      now = max(now, deadline)
      switch generator.next() % 4 {
      case 0: collector.refusedOutputs = 1
      case 1: collector.refusedLeases = 1
      default: break
      }
      source.produce(now: .at(now), into: &collector)
    }
    #expect(collector.dropped > 0)
    #expect(collector.messages.map(\.payload) == expected)
    #expect(collector.events == [.finished])
    #expect(collector.pool.outstanding == 0)
  }

  @Test(arguments: [
    Framing.raw(chunkByteCount: 5000), .lines(maximumByteCount: 20_000),
    .lengthPrefixed(.u16LittleEndian, maximumByteCount: 9000),
    .jpeg(maximumByteCount: 100_000, frameID: nil),
  ])
  func aLoopedFileBeginsAgainAtItsEndAtAConstantPace(framing: Framing) throws {
    let (path, expected) = content(for: framing)
    let source = try source(path, framing, loops: true, hertz: 25)
    var collector = Collector()
    source.run(&collector, from: 0, turns: expected.count * 2 + 1)
    #expect(collector.messages.map(\.payload) == expected + expected + [expected[0]])
    #expect(collector.messages.map(\.time) == collector.messages.indices.map { .at(UInt64($0) * 40_000_000) })
    #expect(collector.events.isEmpty)
  }

  @Test func aPacedFileTakesUpItsPaceAfterARefusal() throws {
    let source = try source(directory.write("input", "a\nb\nc\n"), .lines(maximumByteCount: 9), hertz: 10)
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    collector.refusedLeases = 1
    source.produce(now: .at(100_000_000), into: &collector)
    #expect(source.deadline == 101_000_000)
    source.produce(now: .at(101_000_000), into: &collector)
    #expect(collector.messages.map(\.text) == ["a", "b"])
    #expect(source.deadline == 200_000_000)
  }

  @Test func aLoopOverAFileWithoutMessagesRests() throws {
    let source = try source(directory.write("input", ""), .lines(maximumByteCount: 9), loops: true)
    var collector = Collector()
    let end = source.run(&collector, from: 0, turns: 5)
    #expect(collector.events.count == 1)
    #expect(collector.events[0].isUnavailable)
    #expect(end >= 3_000_000_000)
    directory.write("input", "x\n")
    source.run(&collector, from: 60_000_000_000, turns: 1)
    #expect(collector.events.last == .available)
    #expect(collector.messages.first?.text == "x")
  }

  @Test func aMissingFileIsReportedOnceAndOpenedWhenItIsThere() throws {
    let path = directory.path + "/late"
    let source = try source(path, .lines(maximumByteCount: 9))
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    #expect(source.deadline == 250_000_000)
    source.produce(now: .at(250_000_000), into: &collector)
    #expect(source.deadline == 750_000_000)
    #expect(collector.events.count == 1)
    directory.write("late", "here")
    source.produce(now: .at(749_999_999), into: &collector)
    #expect(collector.messages.isEmpty)
    source.produce(now: .at(750_000_000), into: &collector)
    #expect(collector.messages.map(\.text) == ["here"])
    #expect(collector.events.dropFirst() == [.available, .finished])
  }

  @Test func aDirectoryIsRefusedWithASentence() throws {
    let source = try source(directory.path, .raw(chunkByteCount: 9))
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    #expect(
      collector.events == [
        .unavailable(reason: "cannot open \(directory.path): Is a directory; name a file in it")
      ])
  }

  @Test func impossibleSettingsAreRefused() {
    #expect(throws: FileSourceError.self) { try source("/x", .raw(chunkByteCount: 0)) }
    #expect(throws: FileSourceError.self) { try source("/x", .lines(maximumByteCount: (16 << 20) + 1)) }
    #expect(throws: FileSourceError.self) { try source("/x", .raw(chunkByteCount: 1), hertz: 0) }
  }

  /// A file of many messages of that framing, and the messages.
  private func content(for framing: Framing) -> (path: String, messages: [[UInt8]]) {
    var generator = Generator(state: 5)
    let messages = (0..<60).map { index -> [UInt8] in
      let byteCount = index % 3 == 0 ? Int(generator.next() % 9000) : Int(generator.next() % 300)
      switch framing {
      case .raw(let chunk): return Array(repeating: UInt8(index), count: chunk)
      case .jpeg: return jpeg(byteCount * 8, mark: UInt8(index))
      default: return Array(repeating: UInt8(32 + index), count: byteCount)
      }
    }
    let bytes = messages.flatMap { message in
      switch framing {
      case .raw, .jpeg, .h264, .fixed: message
      case .lines, .nmea: message + [10]
      case .lengthPrefixed(let prefix, _): Self.prefix(prefix, message.count) + message
      }
    }
    return (directory.write("content", bytes), messages)
  }

  static func prefix(_ prefix: LengthPrefix, _ length: Int) -> [UInt8] {
    let little = (0..<prefix.byteCount).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
    return prefix == .u16BigEndian || prefix == .u32BigEndian ? little.reversed() : little
  }
}

/// SplitMix64: the same numbers in every run.
struct Generator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
