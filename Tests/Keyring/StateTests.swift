import Glibc
@testable import STTKeyring
import Testing

/// Counters are noncopyable, and #expect copies what it looks into: a reference stands between.
private final class Counter {
  private var counter: HandshakeCounter
  init(_ counter: consuming HandshakeCounter) { self.counter = counter }
  func take() throws(StateError) -> UInt64 { try counter.take() }
}

private final class Accepted {
  private var counters: AcceptedCounters
  init(_ counters: consuming AcceptedCounters) { self.counters = counters }
  func last(of pair: PairKey) -> UInt64 { counters.last(of: pair) }
  func note(_ counter: UInt64, from pair: PairKey) -> Bool { counters.note(counter, from: pair) }
  func commit() throws(StateError) { try counters.commit() }
  var isCommitted: Bool { counters.isCommitted }
}

@Suite struct StateDirectoryTests {
  @Test func oneProcessAtATimeUsesIt() throws {
    let directory = try TemporaryDirectory()
    let state = try StateDirectory(directory.path)
    do throws(StateError) {
      _ = try StateDirectory(directory.path)
      Issue.record("two users of one state directory")
    } catch {
      #expect(error.description.contains("is in use by another process (\(getpid()))"))
    }
    withExtendedLifetime(state) {}
  }

  @Test func theLockEndsWithItsOwner() throws {
    let directory = try TemporaryDirectory()
    do { _ = try StateDirectory(directory.path) }
    _ = try StateDirectory(directory.path)
  }

  @Test func aDirectoryIsMadeButNotItsParents() throws {
    let directory = try TemporaryDirectory()
    do { _ = try StateDirectory("\(directory.path)/state") }
    #expect(unlink("\(directory.path)/state/lock") == 0)
    #expect(throws: StateError.self) { try StateDirectory("\(directory.path)/none/state") }
    try directory.write("file", [])
    #expect(throws: StateError.self) { try StateDirectory("\(directory.path)/file") }
  }

  @Test func incarnationsGrowByOneAtEveryStart() throws {
    let directory = try TemporaryDirectory()
    for expected in UInt64(1)...3 { #expect(try StateDirectory(directory.path).nextIncarnation() == expected) }
    var bytes = try #require(directory.read("incarnation"))
    bytes[7] ^= 1
    try directory.write("incarnation", bytes)
    #expect(throws: StateError.self) { try StateDirectory(directory.path).nextIncarnation() }
  }
}

@Suite struct HandshakeCounterTests {
  private let directory: TemporaryDirectory
  private let pair: PairFile

  init() throws {
    directory = try TemporaryDirectory()
    pair = try PairFile.generate(name: "a")
  }

  private func take(_ count: Int, closing: Bool) throws -> [UInt64] {
    var counter = try HandshakeCounter(of: pair, in: StateDirectory(directory.path))
    var values: [UInt64] = []
    for _ in 0..<count { values.append(try counter.take()) }
    if closing { try counter.close() }
    return values
  }

  @Test func valuesBeginAt1AndFollowEachOther() throws {
    #expect(try take(200, closing: true) == Array(1...200))
    #expect(try take(2, closing: true) == [201, 202])
  }

  @Test func aCrashSkipsTheRestOfItsBlock() throws {
    #expect(try take(3, closing: false) == [1, 2, 3])
    #expect(try take(1, closing: false) == [33])
    #expect(try take(32, closing: false) == Array(65...96))
    #expect(try take(1, closing: false) == [97])
  }

  @Test func twoCrashesStayInsideTheCollectorsWindow() throws {
    let accepted = try take(1, closing: false)[0]
    _ = try take(1, closing: false)
    #expect(try take(1, closing: false)[0] <= accepted + 64)
  }

  @Test func aStartWithoutAHandshakeWritesNothing() throws {
    _ = try take(0, closing: true)
    #expect(directory.names == ["lock"])
  }

  @Test func thirtyTwoValuesCostOneWriteTheNextAnother() throws {
    let state = try StateDirectory(directory.path)
    var counter = try HandshakeCounter(of: pair, in: state)
    _ = try counter.take()
    let name = HandshakeCounter.fileName(of: pair.key)
    let first = try #require(directory.read(name))
    for _ in 2...32 { _ = try counter.take() }
    #expect(directory.read(name) == first)
    _ = try counter.take()
    #expect(directory.read(name) != first)
    try counter.close()
  }

  @Test func everyChangedByteOfItsFileIsRefused() throws {
    _ = try take(3, closing: true)
    let name = HandshakeCounter.fileName(of: pair.key)
    let good = try #require(directory.read(name))
    for index in good.indices {
      var changed = good
      changed[index] ^= 1
      try directory.write(name, changed)
      #expect(throws: StateError.self, "byte \(index)") { try take(0, closing: false) }
    }
    for length in 0..<good.count {
      try directory.write(name, Array(good[..<length]))
      #expect(throws: StateError.self, "\(length) bytes") { try take(0, closing: false) }
    }
    try directory.write(name, good)
    #expect(try take(1, closing: true) == [4])
  }

  @Test func aDamagedFileSaysWhatToDo() throws {
    try directory.write(HandshakeCounter.fileName(of: pair.key), [0])
    do throws(StateError) {
      _ = try HandshakeCounter(of: pair, in: StateDirectory(directory.path))
      Issue.record("the file is damaged")
    } catch {
      #expect(error.description.contains("the counter file is cut or altered"))
      #expect(error.description.contains("stt seed new"))
    }
  }

  @Test func anotherPairsFileIsRefused() throws {
    _ = try take(1, closing: true)
    let other = try PairFile.generate(name: "b")
    let content = try #require(directory.read(HandshakeCounter.fileName(of: pair.key)))
    try directory.write(HandshakeCounter.fileName(of: other.key), content)
    #expect(throws: StateError.self) { _ = try HandshakeCounter(of: other, in: StateDirectory(directory.path)) }
  }

  @Test func the4294967295thHandshakeIsTheLast() throws {
    let record = StateRecord([
      "stt-counter": "1", "device-id": hexadecimal(pair.deviceID), "collector-id": hexadecimal(pair.collectorID),
      "epoch": "1",
      "first-free": "4294967295",
    ])
    try directory.write(HandshakeCounter.fileName(of: pair.key), record.bytes)
    let counter = Counter(try HandshakeCounter(of: pair, in: StateDirectory(directory.path)))
    #expect(try counter.take() == 4_294_967_295)
    do throws(StateError) {
      _ = try counter.take()
      Issue.record("the seed is used up")
    } catch {
      #expect(error.description.contains("make a new one with `stt seed new`"))
    }
  }

  @Test func aValueThatCannotBeReservedIsNotGiven() throws {
    let counter = Counter(try HandshakeCounter(of: pair, in: StateDirectory(directory.path)))
    // A directory in the file's place cannot be replaced by a file, not even by root.
    #expect(mkdir("\(directory.path)/\(HandshakeCounter.fileName(of: pair.key))", 0o700) == 0)
    do throws(StateError) {
      _ = try counter.take()
      Issue.record("a value was given that is not on the disk")
    } catch {
      guard case .cannotWrite = error else { return _ = Issue.record("\(error)") }
    }
    #expect(rmdir("\(directory.path)/\(HandshakeCounter.fileName(of: pair.key))") == 0)
    #expect(try counter.take() == 1)
    #expect(directory.names.count == 2)
  }
}

@Suite struct AcceptedCountersTests {
  private let directory: TemporaryDirectory
  private let name = AcceptedCounters.fileName

  init() throws { directory = try TemporaryDirectory() }

  private func key(_ byte: UInt8, epoch: UInt32 = 1) -> PairKey {
    PairKey(deviceID: [UInt8](repeating: byte, count: 32), collectorID: [UInt8](repeating: 255, count: 32), epoch: epoch)
  }

  private func reopened() throws -> Accepted { Accepted(try AcceptedCounters(in: StateDirectory(directory.path))) }

  @Test func whatWasCommittedIsThereAfterARestart() throws {
    do {
      let counters = try reopened()
      #expect(counters.last(of: key(1)) == 0)
      #expect(counters.note(5, from: key(1)))
      #expect(counters.note(9, from: key(2)))
      #expect(!counters.isCommitted)
      try counters.commit()
      #expect(counters.isCommitted)
      #expect(counters.note(6, from: key(1)))
      try counters.commit()
      #expect(counters.note(7, from: key(1)))
    }
    let counters = try reopened()
    #expect(counters.last(of: key(1)) == 6)
    #expect(counters.last(of: key(2)) == 9)
    #expect(counters.last(of: key(1, epoch: 2)) == 0)
  }

  @Test func aCounterNotAboveTheLastIsRefused() throws {
    let counters = try reopened()
    #expect(counters.note(5, from: key(1)))
    #expect(!counters.note(5, from: key(1)))
    #expect(!counters.note(4, from: key(1)))
    #expect(!counters.note(0, from: key(3)))
    #expect(counters.note(UInt64.max, from: key(1)))
    try counters.commit()
  }

  /// Power cut at every byte of the last commit: what was committed before is there, and the torn
  /// commit, whose FINAL was never sent, is there whole or not at all.
  @Test func aTornCommitIsDroppedAtEveryByte() throws {
    var before: [UInt8] = []
    var after: [UInt8] = []
    do {
      let counters = try reopened()
      #expect(counters.note(5, from: key(1)))
      try counters.commit()
      before = try #require(directory.read(name))
      #expect(counters.note(6, from: key(1)))
      #expect(counters.note(1, from: key(2)))
      try counters.commit()
      after = try #require(directory.read(name))
    }
    for length in before.count...after.count {
      for tail in [[], [UInt8](repeating: 0, count: after.count - length)] {
        try directory.write(name, Array(after[..<length]) + tail)
        let counters = try reopened()
        let isWhole = Array(after[..<length]) + tail == after
        #expect(counters.last(of: key(1)) == (isWhole ? 6 : 5), "\(length) bytes")
        #expect(counters.last(of: key(2)) == (isWhole ? 1 : 0), "\(length) bytes")
      }
    }
  }

  @Test func damageWithMoreThanACommitBehindItIsRefused() throws {
    let records = (0..<2000).map { (key(UInt8($0 % 251), epoch: UInt32($0)), UInt64($0 + 1)) }
    var bytes = AcceptedCounters.magic + AcceptedCounterLog.bytes(records)
    bytes[20] ^= 1
    try directory.write(name, bytes)
    do throws(StateError) {
      _ = try AcceptedCounters(in: StateDirectory(directory.path))
      Issue.record("the list is damaged")
    } catch {
      #expect(error.description.contains("the list of accepted counters is altered at byte 8"))
    }
    bytes[0] ^= 1
    try directory.write(name, bytes)
    #expect(throws: StateError.self) { _ = try reopened() }
  }

  @Test func theLogIsRewrittenWhenItHasGrown() throws {
    let counters = try reopened()
    var largest = 0
    for counter in UInt64(1)...2_600 {
      for device in UInt8(1)...8 { #expect(counters.note(counter, from: key(device))) }
      if counter.isMultiple(of: 100) || counter > 2_590 {
        try counters.commit()
        largest = max(largest, directory.read(name)?.count ?? 0)
      }
    }
    #expect(largest <= AcceptedCounters.compactionByteCount + 8 * AcceptedCounterLog.recordByteCount + 8)
    for device in UInt8(1)...8 { #expect(counters.last(of: key(device)) == 2_600) }
  }

  @Test func manyPairsInOneCommitAreAllThere() throws {
    do {
      let counters = try reopened()
      for epoch in UInt32(1)...1_200 { #expect(counters.note(UInt64(epoch), from: key(1, epoch: epoch))) }
      try counters.commit()
    }
    let counters = try reopened()
    for epoch in UInt32(1)...1_200 { #expect(counters.last(of: key(1, epoch: epoch)) == UInt64(epoch)) }
  }

  @Test func noBytesTrapTheReader() {
    for seed in UInt8(0)..<50 {
      let bytes = AcceptedCounters.magic + (0..<300).map { UInt8(truncatingIfNeeded: $0 &* Int(seed) &+ $0 / 7) }
      _ = try? AcceptedCounterLog.parse(bytes, path: "")
      for length in 0..<40 { _ = try? AcceptedCounterLog.parse(Array(bytes[..<length]), path: "") }
    }
  }
}

@Suite struct RecordingAnchorsTests {
  @Test func theNewestOfEachFolderIsThereAfterARestart() throws {
    let directory = try TemporaryDirectory()
    var anchors = try RecordingAnchors(in: StateDirectory(directory.path))
    #expect(anchors.anchors.isEmpty)
    func anchor(_ folder: String, _ byte: UInt8, _ seconds: UInt64) -> RecordingAnchors.Anchor {
      .init(folder: folder, head: [UInt8](repeating: byte, count: 32), seconds: seconds)
    }
    let kept = [anchor("a/main", 1, 5), anchor("a/main", 1, 6), anchor("a/main", 2, 7), anchor("a/other", 3, 8)].map {
      anchors.keep($0)
    }
    #expect(kept == [true, false, true, true])
    try anchors.save(in: StateDirectory(directory.path))
    for path in [directory.path, directory.path + "/anchors"] {
      #expect(try RecordingAnchors(path: path).anchors == [anchor("a/main", 2, 7), anchor("a/other", 3, 8)])
    }
  }

  @Test func theFileStaysReadableHoweverManyPurposesThereAre() throws {
    let directory = try TemporaryDirectory()
    var anchors = RecordingAnchors()
    for number in 0..<UInt64(100) {
      let name = "device-with-a-long-name/purpose-\(number)"
      _ = anchors.keep(.init(folder: name, head: [UInt8](repeating: 1, count: 32), seconds: number))
    }
    try anchors.save(in: StateDirectory(directory.path))
    #expect(try RecordingAnchors(path: directory.path).anchors.last?.seconds == 99)
  }
}
