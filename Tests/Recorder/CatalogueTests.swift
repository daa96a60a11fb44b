import Foundation
import GRDB
import STC
import STTCatalogue
import STTRecord
import STTRecorder
import STTSample
import Testing

@Suite struct CatalogueTests {
  private static let second = RecorderTests.second
  private static let wall: UInt64 = 1_790_000_000 * second

  /// Records `numbers`, one a second, into one segment of each of two devices.
  private static func record(_ root: String, _ keys: RecordingKeys?, _ numbers: [UInt64], topic: String = "rare-name") throws
  {
    let recorder = try Recorder(root: root, settings: RecorderTests.settings, keys: keys)
    for (token, device) in ["dev", "other"].enumerated() {
      recorder.open(RecorderTests.stream(device, name: topic), token: token, position: numbers[0])
      for number in numbers {
        let now = second * (number + 1)
        let isTaken = [UInt8](repeating: 1, count: 100).withUnsafeBytes {
          recorder.append(
            token: token, number: number, deviceTime: .init(monotonicNanoseconds: number, wallNanoseconds: number),
            publishTime: wall + now, received: wall + now, first: $0, now: now)
        }
        #expect(isTaken)
        _ = recorder.tick(now: now + second, wall: wall + now) { _, _ in }
      }
    }
    recorder.close(now: second * 1000) { _, _ in }
    #expect(recorder.takeChangedFolders().sorted() == ["dev/main", "other/main"])
  }

  /// As a collector does.
  private static func keep(_ root: String, readsAll: Bool = false) throws -> Int {
    let scan = RecordingScan(root: root)
    let catalogue = try Catalogue(root: root, .checking)
    let names = scan.folders()
    try catalogue.keepOnly(names)
    return try names.reduce(0) { count, name in
      try count
        + catalogue.update(name, scan.listing(name).map { ($0.folder, $0.files) }, readsAll: readsAll) {
          try scan.segment(name, $0)
        }
    }
  }

  private static func noted(_ root: String) throws -> [CataloguedFolder] { try Catalogue(root: root, .reading).folders() }

  private static func differences(_ root: String) throws -> [CatalogueDifference] {
    CatalogueDifference.all(try noted(root), try RecordingScan(root: root).everything())
  }

  @Test("kept segment by segment it is what is made from the files alone", arguments: [false, true])
  func kept(isSealed: Bool) throws {
    let folder = try RecorderTests.Folder()
    let keys = TestKeys()
    let recording = isSealed ? keys.recording() : nil
    for part in 0..<4 {
      try Self.record(folder.path, recording, Array(UInt64(part) * 5..<UInt64(part) * 5 + 5))
      // Finished segments are read once.
      #expect(try Self.keep(folder.path) == 2)
    }
    let kept = try Self.noted(folder.path)
    #expect(kept == (try RecordingScan(root: folder.path).everything()))
    #expect(kept.map(\.name) == ["dev/main", "other/main"] && kept.allSatisfy { $0.segments.count == 4 })
    try Catalogue.remove(root: folder.path)
    #expect(try Self.keep(folder.path, readsAll: true) == 8)
    #expect(try Self.noted(folder.path) == kept)
    #expect(try Self.differences(folder.path).isEmpty)
    if isSealed {
      for folder in kept {
        #expect(keys.heads[folder.name].map { Digits.text($0.head ?? []) } == folder.segments.last?.seal?.head)
        for (one, next) in zip(folder.segments, folder.segments.dropFirst()) {
          #expect(one.seal?.head == next.seal?.previousHead)
        }
      }
    }
  }

  @Test("a plain segment's streams, numbers, missing messages, times and gaps are there without its data being read")
  func facts() throws {
    let folder = try RecorderTests.Folder()
    try Self.record(folder.path, nil, Array(3..<13) + Array(43..<53))
    _ = try Self.keep(folder.path)
    let segment = try #require(try Self.noted(folder.path).first?.segments.first)
    #expect(segment.state == .finished && segment.messageCount == 20 && segment.seal == nil && segment.checksum != nil)
    #expect(
      segment.firstTime == Int64(Self.wall + 4 * Self.second) && segment.lastTime == Int64(Self.wall + 53 * Self.second))
    let stream = try #require(segment.streams.first)
    #expect(stream.topic == "rare-name" && stream.delivery == "reliable" && stream.durability == "durable")
    #expect(stream.uid == RecorderTests.stream(name: "rare-name").uid && stream.incarnation == "4")
    #expect(stream.firstNumber == 3 && stream.endNumber == 53 && stream.missingCount == 30)
    #expect(
      segment.gaps == [
        CataloguedGap(
          topic: "rare-name", begin: Int64(Self.wall + 13 * Self.second), end: Int64(Self.wall + 44 * Self.second))
      ])
  }

  @Test("of sealed segments it says no more than their files do: no stream, no count of messages")
  func secrecy() throws {
    let folder = try RecorderTests.Folder()
    try Self.record(folder.path, TestKeys().recording(), Array(0..<9))
    _ = try Self.keep(folder.path)
    let segment = try #require(try Self.noted(folder.path).first?.segments.first)
    #expect(segment.messageCount == nil && segment.streams.isEmpty && segment.chunkCount == 9)
    #expect(segment.seal?.sealCount == 10 && segment.seal?.slots.contains("seed epoch 1") == true)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(Catalogue.fileName)"))
    for secret in ["rare-name", RecorderTests.stream(name: "rare-name").uid, "reliable", "durable"] {
      #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(secret)")
    }
  }

  @Test("names of streams leave it together with their segments")
  func erased() throws {
    let folder = try RecorderTests.Folder()
    try Self.record(folder.path, nil, Array(0..<9))
    _ = try Self.keep(folder.path)
    for path in folder.segments { try FileManager.default.removeItem(atPath: path) }
    _ = try Self.keep(folder.path)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(Catalogue.fileName)"))
    #expect(bytes.range(of: Data("rare-name".utf8)) == nil)
    #expect(try Self.noted(folder.path).allSatisfy { $0.segments.isEmpty })
  }

  @Test("a segment that is being recorded is unfinished, one that recovery ended says so, what was set aside is named")
  func states() throws {
    let folder = try RecorderTests.Folder()
    var recorder: Recorder? = try Recorder(root: folder.path, settings: RecorderTests.settings, keys: nil)
    recorder?.open(RecorderTests.stream(), token: 0, position: 0)
    #expect(try RecorderTests.append(#require(recorder), 0..<30, now: Self.second) == 30)
    #expect(try RecorderTests.tick(#require(recorder), now: 2 * Self.second) == 30)
    recorder = nil
    _ = try Self.keep(folder.path)
    #expect(try Self.noted(folder.path).first?.segments.map(\.state) == [.unfinished])
    #expect(try Self.differences(folder.path).isEmpty)
    let aside = "\(folder.path)/dev/main/2026-01-01T00-00-00Z-000009.mcap.damaged"
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: aside))
    _ = try Recorder(root: folder.path, settings: RecorderTests.settings, keys: nil)
    // Not kept since.
    #expect(try Self.differences(folder.path).map(\.kind) == [.behind, .differing])
    _ = try Self.keep(folder.path)
    let noted = try #require(try Self.noted(folder.path).first)
    #expect(noted.segments.map(\.state) == [.recovered] && noted.segments.first?.messageCount == 30)
    #expect(noted.setAside.map(\.byteCount) == [3])
    #expect(try Self.differences(folder.path).isEmpty)
  }

  @Test("what is no catalogue, was cut anywhere, or has somebody's trigger in it is refused, and made anew")
  func damaged() throws {
    let folder = try RecorderTests.Folder()
    try Self.record(folder.path, nil, Array(0..<5))
    _ = try Self.keep(folder.path)
    let whole = try Self.noted(folder.path)
    let file = URL(fileURLWithPath: "\(folder.path)/\(Catalogue.fileName)")
    let good = try Data(contentsOf: file)
    var bad = [Data(), Data("no database".utf8), Data(repeating: 0xA5, count: 50_000)]
    bad += stride(from: 100, to: good.count, by: 12_003).map { good.prefix($0) }
    for (index, bytes) in bad.enumerated() {
      try bytes.write(to: file)
      do {
        // The last page's end may be empty.
        #expect(try Self.noted(folder.path) == whole && index > 2, "\(bytes.count) bytes")
      } catch {
        #expect(error is CatalogueError)
      }
      // Nothing is still a good place to begin.
      if !bytes.isEmpty, index < 3 { #expect(throws: CatalogueError.self) { try Self.keep(folder.path) } }
      try Catalogue.remove(root: folder.path)
      _ = try Self.keep(folder.path)
      #expect(try Self.noted(folder.path) == whole)
    }
    let queue = try DatabaseQueue(path: file.path)
    try queue.write { try $0.execute(sql: "CREATE TRIGGER t AFTER INSERT ON segment BEGIN DELETE FROM stream; END") }
    try queue.close()
    #expect(throws: CatalogueError.self) { try Catalogue(root: folder.path, .keeping) }
  }

  @Test("with any bit of it turned it is refused, differs, or says the same; reading it ends")
  func turnedBits() throws {
    let folder = try RecorderTests.Folder()
    try Self.record(folder.path, nil, Array(0..<5))
    _ = try Self.keep(folder.path)
    let file = URL(fileURLWithPath: "\(folder.path)/\(Catalogue.fileName)")
    let good = try Data(contentsOf: file)
    let there = try RecordingScan(root: folder.path).everything()
    var detected = 0
    for place in stride(from: 0, to: good.count, by: 131) {
      var bytes = good
      bytes[place] ^= 1 << UInt8(place % 8)
      try bytes.write(to: file)
      let noted = try? Self.noted(folder.path)
      if noted.map({ !CatalogueDifference.all($0, there).isEmpty }) ?? true { detected += 1 }
    }
    #expect(detected > 5)
  }

  @Test("locked by another program it says so, and is up to date afterwards")
  func locked() throws {
    let folder = try RecorderTests.Folder()
    try Self.record(folder.path, nil, Array(0..<5))
    _ = try Self.keep(folder.path)
    let other = try DatabaseQueue(path: "\(folder.path)/\(Catalogue.fileName)")
    try other.inDatabase { db in
      try db.execute(sql: "BEGIN EXCLUSIVE")
      #expect(throws: CatalogueError.locked(path: "\(folder.path)/\(Catalogue.fileName)")) { try Self.keep(folder.path) }
      try db.execute(sql: "ROLLBACK")
    }
    try Self.record(folder.path, nil, Array(5..<9))
    #expect(try Self.keep(folder.path) == 2)
    #expect(try Self.differences(folder.path).isEmpty)
  }

  @Test("rolled back to any earlier state it lacks the segments since; each segment gone, each entry changed is named")
  func tampered() throws {
    let folder = try RecorderTests.Folder()
    let keys = TestKeys()
    let file = URL(fileURLWithPath: "\(folder.path)/\(Catalogue.fileName)")
    var states: [Data] = []
    for part in 0..<4 {
      try Self.record(folder.path, keys.recording(), Array(UInt64(part) * 5..<UInt64(part) * 5 + 5))
      _ = try Self.keep(folder.path)
      states.append(try Data(contentsOf: file))
    }
    for (count, state) in states.dropLast().enumerated() {
      try state.write(to: file)
      let found = try Self.differences(folder.path)
      #expect(found.count == 2 * (3 - count) && found.allSatisfy { $0.kind == .behind }, "\(found)")
    }
    try states[3].write(to: file)
    let there = try RecordingScan(root: folder.path).everything()
    for place in there.indices {
      for segment in there[place].segments.indices {
        var less = there
        let gone = less[place].segments.remove(at: segment)
        let found = CatalogueDifference.all(there, less)
        #expect(found.map(\.segment) == [gone.name] && found.map(\.kind) == [.missing])
      }
    }
    for change in [
      "first_received = first_received - 1", "chunks = chunks + 1", "bytes = bytes + 1", "checksum = 7",
      "head = previous_head", "slots = 'day 1970-01-01'", "messages = 5", "name = replace(name, '-000001', '-000007')",
    ] {
      try states[3].write(to: file)
      let queue = try DatabaseQueue(path: file.path)
      try queue.write { try $0.execute(sql: "UPDATE segment SET \(change) WHERE id = 1") }
      try queue.close()
      let found = try Self.differences(folder.path)
      #expect(!found.isEmpty && found.allSatisfy { $0.folder == "dev/main" }, "\(change): \(found)")
    }
    let first = try #require(there.first)
    let newest = try #require(keys.heads["dev/main"])
    #expect(
      CatalogueDifference.remembered(
        first, segment: Digits.text(newest.segment), head: newest.head.map { Digits.text($0) }) == nil)
    var shorter = first
    shorter.segments.removeLast()
    #expect(CatalogueDifference.remembered(shorter, segment: Digits.text(newest.segment), head: nil)?.kind == .missing)
  }

  @Test("asked for a device and a time it names the segments with something received then, the one being recorded too")
  func query() throws {
    let folder = try RecorderTests.Folder()
    for part in 0..<4 { try Self.record(folder.path, nil, Array(UInt64(part) * 100..<UInt64(part) * 100 + 5)) }
    _ = try Self.keep(folder.path)
    let catalogue = try Catalogue(root: folder.path, .reading)
    func numbers(_ from: UInt64?, _ until: UInt64?) throws -> [Int64] {
      let query = CatalogueQuery(
        device: "dev", from: from.map { Int64(Self.wall + $0 * Self.second) },
        until: until.map { Int64(Self.wall + $0 * Self.second) })
      let folders = try catalogue.folders(query)
      #expect(folders.map(\.device) == ["dev"])
      return folders.flatMap { $0.segments.map(\.number) }
    }
    #expect(try numbers(nil, nil) == [1, 2, 3, 4])
    #expect(try numbers(101, nil) == [2, 3, 4])
    #expect(try numbers(106, nil) == [3, 4])
    #expect(try numbers(nil, 101) == [1])
    #expect(try numbers(nil, 102) == [1, 2])
    #expect(try numbers(105, 301) == [2, 3])
    #expect(try numbers(10, 90) == [])
  }
}
