import Foundation
import STTRecord
import STTRecorder
import STTSample
import Testing

@Suite struct RetentionTests {
  private static let second: UInt64 = 1_000_000_000
  private static let wall: UInt64 = 1_790_000_000 * second

  /// Records `count` segments of ten messages, one an hour; answers how far it came.
  private static func record(
    _ folder: RecorderTests.Folder, _ keys: RecordingKeys?, _ policy: RetentionPolicy = RetentionPolicy(), count: UInt64
  ) throws -> [RetiredSegment] {
    var settings = RecorderTests.settings
    settings.segmentAge = second
    settings.retention = policy
    let recorder = try Recorder(root: folder.path, settings: settings, keys: keys)
    let begin = recorder.positions.first?.position ?? 0
    recorder.open(RecorderTests.stream(), token: 0, position: begin)
    for index in 0..<count {
      let now = 100 * second * (index + 1)
      let at = wall + 3600 * second * (begin / 10 + index)
      for number in begin + index * 10..<begin + index * 10 + 10 {
        let isTaken = [UInt8](repeating: 1, count: 100).withUnsafeBytes {
          recorder.append(
            token: 0, number: number, deviceTime: .init(monotonicNanoseconds: number, wallNanoseconds: number),
            publishTime: at, received: at, first: $0, now: now)
        }
        #expect(isTaken)
      }
      _ = recorder.tick(now: now + 2 * second, wall: at) { _, _ in }
    }
    recorder.close(now: 100 * second * (count + 1)) { _, _ in }
    #expect(recorder.trouble == nil)
    return recorder.takeRetired()
  }

  /// What the chain of the folder lacks.
  private static func missing(_ folder: RecorderTests.Folder, _ keys: TestKeys) throws -> [String] {
    var missing: [String] = []
    let path = "\(folder.path)/dev/main"
    var chain = SegmentChainCheck(isFolder: true, removed: RemovedSegments(in: path))
    for file in folder.segments { chain.take(file, try SealedTests.report(file, keys.sources(.day)), &missing) }
    chain.finish(path, keys.heads["dev/main"], &missing)
    return missing
  }

  @Test(
    "what is older than is kept goes, the chain says why it begins in the middle, and recording goes on",
    arguments: [true, false])
  func age(isSealed: Bool) throws {
    let folder = try RecorderTests.Folder()
    let keys = TestKeys()
    let recording = isSealed ? keys.recording([.day]) : nil
    let policy = RetentionPolicy(age: 4 * 3600 * Self.second + Self.second)
    #expect(try Self.record(folder, recording, count: 8).isEmpty)
    #expect(folder.segments.count == 8)
    let retired = try Self.record(folder, recording, policy, count: 3)
    // The clock stands ten hours after the beginning; a segment ends when the next one begins.
    #expect(retired.count == 5 && retired.allSatisfy { $0.reason == .age })
    #expect(folder.segments.count == 6)
    #expect(try Self.missing(folder, keys) == [])
    let note = try #require(RemovedSegments(in: "\(folder.path)/dev/main"))
    #expect(note.segmentCount == 5 && note.through == retired.last?.name)
    #expect(note.byteCount == retired.reduce(0) { $0 + $1.byteCount })
    if isSealed {
      #expect(note.isGenuine([keys.collector]) == true && note.isGenuine([]) == nil)
      #expect(note.isGenuine([[UInt8](repeating: 8, count: 32)]) == false)
    }
  }

  @Test("limits by size take the oldest of all, or of one device; the newest of a folder stays")
  func size() throws {
    let folder = try RecorderTests.Folder()
    _ = try Self.record(folder, nil, count: 6)
    let all = Retention(root: folder.path)
    let sizes = try folder.segments.map { try FileSource($0).byteCount }
    let total = sizes.reduce(0, +)
    #expect(all.due(RetentionPolicy(byteCount: total), wall: Self.wall).isEmpty)
    #expect(all.due(RetentionPolicy(byteCount: total - 1), wall: Self.wall).count == 1)
    let last = sizes.suffix(3).reduce(0, +)
    #expect(all.due(RetentionPolicy(deviceByteCount: last), wall: Self.wall).count == 3)
    #expect(all.due(RetentionPolicy(deviceByteCount: last - 1), wall: Self.wall).count == 4)
    let everything = all.due(RetentionPolicy(byteCount: 1), wall: Self.wall)
    #expect(everything.map(\.path) == Array(folder.segments.dropLast()) && everything.allSatisfy { $0.reason == .size })
  }

  @Test("streams of a purpose are kept by a rule of their own: by age, by size, and not given up for the others' sake")
  func rules() throws {
    let folder = try RecorderTests.Folder()
    var settings = RecorderTests.settings
    settings.segmentAge = Self.second
    let recorder = try Recorder(root: folder.path, settings: settings)
    for (token, purpose) in ["main", "video", "incidents"].enumerated() {
      recorder.open(RecorderTests.stream(purpose: purpose), token: token, position: 0)
    }
    for number in 0..<UInt64(6) {
      let now = 100 * Self.second * (number + 1)
      let at = Self.wall + 3600 * Self.second * number
      for token in 0..<3 {
        _ = [UInt8](repeating: 1, count: 100).withUnsafeBytes {
          recorder.append(
            token: token, number: number, deviceTime: .init(monotonicNanoseconds: number, wallNanoseconds: number),
            publishTime: at, received: at, first: $0, now: now)
        }
      }
      _ = recorder.tick(now: now + 2 * Self.second, wall: at) { _, _ in }
    }
    recorder.close(now: 1000 * Self.second) { _, _ in }
    let all = Retention(root: folder.path)
    let wall = Self.wall + 6 * 3600 * Self.second
    func removed(_ policy: RetentionPolicy) -> [String: Int] {
      Dictionary(grouping: all.due(policy, wall: wall)) { String($0.folder.split(separator: "/").last ?? "") }
        .mapValues(\.count)
    }
    let hours = 3600 * Self.second
    let video = RetentionRule(purpose: "video", age: 2 * hours + 1)
    #expect(removed(RetentionPolicy(rules: [video])) == ["video": 3])
    #expect(removed(RetentionPolicy(age: 4 * hours + 1, rules: [video])) == ["main": 1, "video": 3, "incidents": 1])
    #expect(
      removed(RetentionPolicy(age: hours, rules: [RetentionRule(purpose: "video", device: "other", age: 9 * hours)]))[
        "video"] == 4)
    let incidents = RetentionRule(purpose: "incidents", age: 100 * hours, dropsOldest: false)
    #expect(removed(RetentionPolicy(age: hours, byteCount: 1, rules: [incidents])) == ["main": 5, "video": 5])
    let size = try FileSource(try #require(folder.segments.first)).byteCount
    #expect(
      removed(RetentionPolicy(rules: [RetentionRule(purpose: "video", byteCount: 4 * size + size / 2)])) == ["video": 2])
    // Who makes room on a full disk.
    #expect(all.oldest(RetentionPolicy()) == nil)
    #expect(
      all.oldest(RetentionPolicy(rules: [RetentionRule(purpose: "video", dropsOldest: true)]))?.folder.hasSuffix("video")
        == true)
    let others = [RetentionRule(purpose: "main", dropsOldest: false), incidents]
    #expect(all.oldest(RetentionPolicy(dropsOldest: true, rules: others))?.folder.hasSuffix("video") == true)
    #expect(Retention(root: folder.path, purpose: "video").due(RetentionPolicy(byteCount: 1), wall: wall).count == 5)
    #expect(Retention(root: folder.path, device: "other").due(RetentionPolicy(byteCount: 1), wall: wall).isEmpty)
  }

  @Test("a stream that is only in the last finished segment is known after a crash of the next", arguments: [true, false])
  func openSegment(isSealed: Bool) throws {
    let folder = try RecorderTests.Folder()
    let keys = TestKeys()
    let recording = isSealed ? keys.recording([.day]) : nil
    let streams = [RecorderTests.stream(), RecorderTests.stream(name: "t")]
    func start(_ policy: RetentionPolicy) throws -> Recorder {
      var settings = RecorderTests.settings
      settings.retention = policy
      let recorder = try Recorder(root: folder.path, settings: settings, keys: recording)
      for (token, stream) in streams.enumerated() {
        let position = recorder.positions.first { $0.uid == stream.uid }?.position ?? 0
        recorder.open(stream, token: token, position: position)
      }
      return recorder
    }
    for begin in [UInt64(0), 10] {
      let recorder = try start(RetentionPolicy())
      for token in 0..<2 {
        #expect(RecorderTests.append(recorder, token: token, begin..<begin + 10, now: Self.second) == begin + 10)
      }
      recorder.close(now: 2 * Self.second) { _, _ in }
    }
    do {
      let recorder = try start(RetentionPolicy(byteCount: 1))
      #expect(RecorderTests.append(recorder, 20..<30, now: Self.second) == 30)
      #expect(RecorderTests.tick(recorder, now: 100 * Self.second) == 30)
      // Only the last finished one knows of the other stream.
      #expect(recorder.takeRetired().count == 1 && folder.segments.count == 2)
    }
    let again = try start(RetentionPolicy())
    let found = streams.map { stream in again.positions.first { $0.uid == stream.uid }?.position }
    #expect(found == [30, 20])
  }

  @Test("segments that somebody else removed, and a note that somebody else wrote, are told")
  func forged() throws {
    let folder = try RecorderTests.Folder()
    let keys = TestKeys()
    _ = try Self.record(folder, keys.recording([.day]), RetentionPolicy(age: 3 * 3600 * Self.second), count: 8)
    #expect(try Self.missing(folder, keys) == [])
    let first = try #require(folder.segments.first)
    try FileManager.default.removeItem(atPath: first)
    #expect(try Self.missing(folder, keys).count == 1)
    let path = "\(folder.path)/dev/main/removed"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let more = text.replacingOccurrences(of: "segments = ", with: "segments = 1")
    try more.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(RemovedSegments(in: "\(folder.path)/dev/main")?.isGenuine([keys.collector]) == false)
    try "stt-removed = 2\n".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(RemovedSegments(in: "\(folder.path)/dev/main") == nil)
  }
}
