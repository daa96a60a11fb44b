import Glibc
import STTBuffers
import STTSample
import Testing

@testable import LinuxFile

/// FIFOs and character devices: inputs that wait, end and come back.
@Suite struct StreamedDeviceTests {
  let directory = TemporaryDirectory()
  let description = StreamDescription(name: "device", schema: .opaque)

  func source(_ path: String, _ framing: Framing) throws -> StreamedFileSource {
    try StreamedFileSource(description, path: path, framing: framing)
  }

  func send(_ descriptor: CInt, _ text: String) { send(descriptor, Array(text.utf8)) }

  func send(_ descriptor: CInt, _ bytes: [UInt8]) {
    let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    #expect(written == bytes.count)
  }

  func isReadable(_ descriptor: CInt?) -> Bool {
    guard let descriptor else { return false }
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, 0) == 1
  }

  @Test func writersOfAFIFOComeAndGo() throws {
    let path = directory.fifo("fifo")
    let source = try source(path, .lines(maximumByteCount: 100))
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    #expect(source.descriptor != nil)
    #expect(source.deadline == nil)
    #expect(!isReadable(source.descriptor))
    for round in 1...3 {
      let writer = open(path, O_WRONLY | O_NONBLOCK)
      send(writer, "hel")
      #expect(isReadable(source.descriptor))
      source.produce(now: .at(1), into: &collector)
      #expect(collector.messages.count == (round - 1) * 2)
      send(writer, "lo\nrest")
      source.produce(now: .at(2), into: &collector)
      close(writer)
      #expect(isReadable(source.descriptor), "a writer that leaves wakes the source")
      source.produce(now: .at(3), into: &collector)
      #expect(!isReadable(source.descriptor), "and does not go on waking it")
      #expect(collector.messages.count == round * 2)
    }
    #expect(collector.messages.map(\.text) == ["hello", "rest", "hello", "rest", "hello", "rest"])
    #expect(collector.events.isEmpty)
  }

  @Test func whatWasWrittenBeforeTheWriterLeftArrives() throws {
    let path = directory.fifo("fifo")
    let source = try source(path, .lengthPrefixed(.u16BigEndian, maximumByteCount: 10_000))
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    let writer = open(path, O_WRONLY | O_NONBLOCK)
    let large = Array(repeating: UInt8(7), count: 9000)
    send(writer, [0, 2, 1, 2, 0x23, 0x28] + large + [0, 5, 1])
    close(writer)
    source.produce(now: .at(1), into: &collector)
    #expect(collector.messages.map(\.payload) == [[1, 2], large])
    #expect(collector.messages.map(\.isFrame) == [false, true])
    #expect(collector.events == [.gap(count: 1, reason: "\(path) ended within a message")])
    #expect(collector.pool.outstanding == 0)
  }

  @Test func afterANonsensicalLengthThePipeIsEmptiedAndReadAnew() throws {
    let path = directory.fifo("fifo")
    let source = try source(path, .lengthPrefixed(.u8, maximumByteCount: 3))
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    let writer = open(path, O_WRONLY | O_NONBLOCK)
    defer { close(writer) }
    send(writer, [1, 9, 200, 1, 2, 3])
    source.produce(now: .at(1), into: &collector)
    #expect(collector.events.map(\.isGap) == [true])
    send(writer, [2, 4, 5])
    source.produce(now: .at(2), into: &collector)
    #expect(collector.messages.map(\.payload) == [[9], [4, 5]])
    #expect(collector.events.count == 1)
  }

  @Test func rawBytesDoNotWaitForAFullPiece() throws {
    let path = directory.fifo("fifo")
    let source = try source(path, .raw(chunkByteCount: 4))
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    let writer = open(path, O_WRONLY | O_NONBLOCK)
    defer { close(writer) }
    send(writer, "abcdefg")
    source.produce(now: .at(1), into: &collector)
    #expect(collector.messages.map(\.text) == ["abcd", "efg"])
    #expect(collector.pool.outstanding == 0, "a source that waits keeps no buffer")
  }

  @Test func withoutABufferTheBytesWaitInThePipe() throws {
    let path = directory.fifo("fifo")
    let source = try source(path, .lines(maximumByteCount: 100))
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    let writer = open(path, O_WRONLY | O_NONBLOCK)
    defer { close(writer) }
    send(writer, "one\ntwo\n")
    collector.refusedLeases = 1
    source.produce(now: .at(1), into: &collector)
    #expect(source.descriptor == nil, "a readable descriptor would wake the thread again and again")
    #expect(source.deadline == 1_000_001)
    source.produce(now: .at(1_000_001), into: &collector)
    #expect(collector.messages.map(\.text) == ["one", "two"])
    #expect(source.descriptor != nil)
    #expect(source.deadline == nil)
  }

  @Test func aBusyThreadComesBackForTheRestAtOnce() throws {
    let path = directory.fifo("fifo")
    let source = try source(path, .lines(maximumByteCount: 100))
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    let writer = open(path, O_WRONLY | O_NONBLOCK)
    defer { close(writer) }
    send(writer, (0..<200).map { "\($0)\n" }.joined())
    source.produce(now: .at(7), into: &collector)
    #expect(collector.messages.count == StreamedFileSource.mostMessages)
    #expect(source.deadline == 7)
    source.run(&collector, from: 7)
    #expect(collector.messages.map(\.text) == (0..<200).map { "\($0)" })
  }

  @Test func picturesThroughAPipeInPiecesOfAnySize() throws {
    let path = directory.fifo("fifo")
    let source = try source(path, .jpeg(maximumByteCount: 500_000, frameID: nil))
    let pictures = [jpeg(100_000, mark: 1), jpeg(5, mark: 2), jpeg(90_000, mark: 3)]
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    let writer = open(path, O_WRONLY | O_NONBLOCK)
    var generator = Generator(state: 3)
    var rest = pictures.flatMap(\.self)[...]
    while !rest.isEmpty {
      let piece = rest.prefix(Int(1 + generator.next() % 40_000))
      send(writer, Array(piece))
      rest = rest.dropFirst(piece.count)
      source.produce(now: .at(1), into: &collector)
    }
    close(writer)
    source.produce(now: .at(2), into: &collector)
    #expect(collector.messages.map(\.payload) == pictures)
    #expect(collector.events.isEmpty)
    #expect(collector.pool.outstanding == 0)
  }

  @Test func aTerminalThatHangsUpIsClosedAndOpenedAgain() throws {
    let terminal = try #require(PseudoTerminal(), "no pseudo-terminals here")
    let link = directory.path + "/tty"
    symlink(terminal.path, link)
    let source = try source(link, .lines(maximumByteCount: 100))
    var collector = Collector()
    source.produce(now: .at(0), into: &collector)
    #expect(source.descriptor != nil)
    send(terminal.master, "first\nsec")
    source.produce(now: .at(1), into: &collector)
    #expect(collector.messages.map(\.text) == ["first"])
    terminal.hangUp()
    #expect(isReadable(source.descriptor))
    source.produce(now: .at(2), into: &collector)
    #expect(source.descriptor == nil)
    #expect(source.deadline == 250_000_002)
    #expect(collector.events.count == 1)
    #expect(collector.events.first?.isUnavailable == true)
    unlink(link)
    source.produce(now: .at(250_000_002), into: &collector)
    #expect(collector.events.count == 1)

    let again = try #require(PseudoTerminal())
    defer { again.hangUp() }
    symlink(again.path, link)
    source.produce(now: .at(750_000_002), into: &collector)
    #expect(collector.events.last == .available)
    send(again.master, "third\n")
    source.produce(now: .at(750_000_003), into: &collector)
    #expect(collector.messages.last?.text == "third")
  }

  @Test func aDeviceEpollRefusesIsReadByTheClock() throws {
    let source = try source("/dev/zero", .raw(chunkByteCount: 1000))
    var collector = Collector()
    source.produce(now: .at(9), into: &collector)
    #expect(source.descriptor == nil)
    #expect(source.deadline == 9)
    #expect(collector.messages.count == StreamedFileSource.mostMessages)
    #expect(collector.messages.allSatisfy { $0.payload == Array(repeating: 0, count: 1000) })
  }

  @Test func aDeviceThatEndsAtOnceIsNotOpenedInATightLoop() throws {
    let source = try source("/dev/null", .raw(chunkByteCount: 1000))
    var collector = Collector()
    let end = source.run(&collector, from: 0, turns: 6)
    #expect(collector.events.count == 1)
    // A quarter, a half, then a whole second each.
    #expect(end >= 3_750_000_000)
  }
}
