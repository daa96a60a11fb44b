import Foundation
import STTRecord
import STTRecorder
import STTSample
import Testing

@Suite struct RecorderTests {
  /// A directory of its own, gone afterwards.
  final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("stt-recorder-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    var segments: [String] {
      (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? [])
        .filter { $0.hasSuffix(".mcap") }.sorted().map { "\(path)/\($0)" }
    }
  }

  static let second: UInt64 = 1_000_000_000
  static let settings = RecorderSettings(chunkByteCount: 2000, reserveByteCount: 0)

  static func stream(_ device: String = "dev", purpose: String = "main", name: String = "s") -> RecordedStream {
    RecordedStream(
      device: device, name: name, uid: name == "s" ? "00112233445566778899aabbccddeeff" : "ffeeddccbbaa99887766554433221100",
      incarnation: 4, purpose: purpose,
      schema: .opaque, delivery: "reliable", durability: .durable)
  }

  static func append(_ recorder: Recorder, token: Int = 0, _ numbers: Range<UInt64>, now: UInt64) -> UInt64 {
    var taken = numbers.lowerBound
    for number in numbers {
      let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 100)
      let isTaken = payload.withUnsafeBytes {
        recorder.append(
          token: token, number: number,
          deviceTime: SampleTime(monotonicNanoseconds: number, wallNanoseconds: number), publishTime: number,
          received: 1_790_000_000_000_000_000 + number, first: $0, now: now)
      }
      guard isTaken else { break }
      taken = number + 1
    }
    return taken
  }

  static func tick(_ recorder: Recorder, now: UInt64) -> UInt64 {
    var durable: UInt64 = 0
    _ = recorder.tick(now: now, wall: now) { _, below in durable = max(durable, below) }
    return durable
  }

  @Test("messages are durable after the sync interval, and not before")
  func durability() throws {
    let folder = try Folder()
    let recorder = try Recorder(root: folder.path, settings: Self.settings)
    recorder.open(Self.stream(), token: 0, position: 0)
    #expect(Self.append(recorder, 0..<50, now: Self.second) == 50)
    #expect(Self.tick(recorder, now: Self.second + 199_000_000) == 0)
    #expect(Self.tick(recorder, now: Self.second + 200_000_000) == 50)
    recorder.close(now: 2 * Self.second) { _, _ in }
    let report = try SegmentVerifier.verify(try FileSource(try #require(folder.segments.first)), decompressor: Zstandard())
    #expect(report.verdict == .intact && report.channels.first?.messageCount == 50)
  }

  @Test("cut at any byte, the file recovers; what was synced is there, also after a second restart")
  func recovery() throws {
    let folder = try Folder()
    let recorder = try Recorder(root: folder.path, settings: Self.settings)
    recorder.open(Self.stream(), token: 0, position: 0)
    _ = Self.append(recorder, 0..<60, now: Self.second)
    let durable = Self.tick(recorder, now: 2 * Self.second)
    #expect(durable == 60)
    let path = try #require(folder.segments.first)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for cut in stride(from: whole.count, to: 100, by: -37) {
      try whole.prefix(cut).write(to: URL(fileURLWithPath: path))
      for round in 0..<2 {
        let again = try Recorder(root: folder.path, settings: Self.settings)
        let position = again.positions.first?.position ?? 0
        if cut == whole.count { #expect(position == 60, "round \(round)") }
        #expect(again.recovered.count == (round == 0 ? 1 : 0), "cut at \(cut), round \(round)")
        let report = try SegmentVerifier.verify(try FileSource(path), decompressor: Zstandard())
        #expect(report.verdict == .intact, "cut at \(cut): \(report.damage?.description ?? "")")
        #expect(report.channels.first?.endNumber ?? 0 == position, "cut at \(cut), round \(round)")
      }
    }
  }

  @Test("bytes altered in the middle of an unfinished file are kept beside it, a torn end and zeros are not")
  func altered() throws {
    let folder = try Folder()
    let recorder = try Recorder(root: folder.path, settings: Self.settings)
    recorder.open(Self.stream(), token: 0, position: 0)
    for group in 0..<UInt64(6) {
      _ = Self.append(recorder, group * 10..<group * 10 + 10, now: Self.second * (group + 1))
      _ = Self.tick(recorder, now: Self.second * (group + 1) + Self.second / 2)
    }
    let path = try #require(folder.segments.first)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    let chunk = try #require(Self.chunks(whole).dropFirst(2).first)
    var flipped = whole
    flipped[chunk + 60] ^= 0x10
    // A length in the middle that reaches beyond the end looks like a cut, with whole groups behind it.
    var lengthened = whole
    lengthened[chunk + 6] = 0x7F
    for (damaged, isKept) in [
      (flipped, true), (lengthened, true), (whole.prefix(whole.count - 20), false),
      (whole.prefix(whole.count - 300) + Data(count: 300), false), (whole + Data(count: 5000), false),
    ] {
      for name in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/dev/main") {
        try FileManager.default.removeItem(atPath: folder.path + "/dev/main/" + name)
      }
      try damaged.write(to: URL(fileURLWithPath: path))
      let again = try Recorder(root: folder.path, settings: Self.settings)
      let file = try #require(again.recovered.first)
      #expect((file.setAside != nil) == isKept, "\(file)")
      let report = try SegmentVerifier.verify(try FileSource(path), decompressor: Zstandard())
      #expect(report.verdict == .intact)
      guard let aside = file.setAside else { continue }
      let kept = try Data(contentsOf: URL(fileURLWithPath: aside))
      #expect(kept == damaged.dropFirst(Int(file.keptByteCount)))
      let note = try #require(report.metadata.first { $0.name == SealNote.recoveryName })
      #expect(note.entries[SealNote.setAsideKey].map { aside.hasSuffix("/" + $0) } == true)
      // Its name is not given to another segment.
      again.open(Self.stream(), token: 0, position: again.positions.first?.position ?? 0)
      _ = Self.append(again, 50..<51, now: Self.second)
      again.close(now: 2 * Self.second) { _, _ in }
      #expect(folder.segments.count == 2)
    }
  }

  /// Where the chunks of an MCAP file begin.
  private static func chunks(_ bytes: Data) -> [Int] {
    var places: [Int] = []
    var offset = 8
    while offset + 9 <= bytes.count {
      if bytes[offset] == 0x06 { places.append(offset) }
      offset += 9 + (1...8).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * ($1 - 1)) }
    }
    return places
  }

  @Test("a new segment begins where the last one ended, and positions are carried along")
  func rotation() throws {
    let folder = try Folder()
    var settings = Self.settings
    settings.segmentAge = 10 * Self.second
    let recorder = try Recorder(root: folder.path, settings: settings)
    recorder.open(Self.stream(), token: 0, position: 0)
    recorder.open(Self.stream(name: "other"), token: 1, position: 0)
    _ = Self.append(recorder, 0..<10, now: Self.second)
    _ = Self.tick(recorder, now: 12 * Self.second)
    _ = Self.append(recorder, 10..<20, now: 13 * Self.second)
    recorder.close(now: 14 * Self.second) { _, _ in }
    #expect(folder.segments.count == 2)
    let again = try Recorder(root: folder.path, settings: settings)
    #expect(again.recovered.isEmpty)
    #expect(again.positions.map(\.position).sorted() == [0, 20])
  }

  @Test("a segment that has its size asks for its end before a sync is due, and the next one begins")
  func size() throws {
    let folder = try Folder()
    var settings = Self.settings
    settings.segmentByteCount = 10_000
    settings.compresses = false
    let recorder = try Recorder(root: folder.path, settings: settings)
    recorder.open(Self.stream(), token: 0, position: 0)
    var number: UInt64 = 0
    while !recorder.isTickUrgent, number < 1000 {
      number = Self.append(recorder, number..<number + 1, now: Self.second)
    }
    // 150 bytes each with what a message costs.
    #expect(number > 50 && number < 100)
    #expect(Self.tick(recorder, now: Self.second + 1) == number)
    #expect(!recorder.isTickUrgent)
    _ = Self.append(recorder, number..<number + 1, now: Self.second + 2)
    recorder.close(now: 2 * Self.second) { _, _ in }
    #expect(folder.segments.count == 2)
  }

  @Test(
    "hostile names stay below the root",
    arguments: ["../escape", "", ".", "..", "a/b", "/etc", String(repeating: "x", count: 300), "nul\0byte", ".hidden"])
  func hostileNames(name: String) throws {
    let folder = try Folder()
    let root = folder.path + "/root"
    let recorder = try Recorder(root: root, settings: Self.settings)
    recorder.open(Self.stream(name, purpose: name), token: 0, position: 0)
    _ = Self.append(recorder, 0..<1, now: Self.second)
    recorder.close(now: Self.second) { _, _ in }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["root"])
    let device = try #require(try FileManager.default.contentsOfDirectory(atPath: root).first)
    let purposes = try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(device)")
    #expect(purposes.count == 1 && !device.hasPrefix("."))
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(device)/\(purposes[0])").count == 1)
  }

  @Test("a root that is a file, or below nothing, is refused with a sentence")
  func badRoots() throws {
    let folder = try Folder()
    try Data().write(to: URL(fileURLWithPath: folder.path + "/file"))
    #expect(throws: RecorderError.self) { try Recorder(root: folder.path + "/file", settings: Self.settings) }
    #expect(throws: RecorderError.self) { try Recorder(root: folder.path + "/no/where", settings: Self.settings) }
  }

  static func mount(_ path: String) -> Bool {
    let mount = Process()
    mount.executableURL = URL(fileURLWithPath: "/bin/mount")
    mount.arguments = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", path]
    mount.standardError = FileHandle.nullDevice
    guard (try? mount.run()) != nil else { return false }
    mount.waitUntilExit()
    return mount.terminationStatus == 0
  }

  static func unmount(_ path: String) {
    let unmount = Process()
    unmount.executableURL = URL(fileURLWithPath: "/bin/umount")
    unmount.arguments = [path]
    if (try? unmount.run()) != nil { unmount.waitUntilExit() }
  }

  @Test(
    "a full disk: nothing is taken, nothing taken is lost, and it goes on when there is room",
    .enabled(if: getuid() == 0, "mounting a small tmpfs needs root"))
  func fullDisk() throws {
    let folder = try Folder()
    try #require(Self.mount(folder.path), "a tmpfs of 1 MiB")
    defer { Self.unmount(folder.path) }
    let ballast = folder.path + "/ballast"
    try Data(count: 900_000).write(to: URL(fileURLWithPath: ballast))
    let recorder = try Recorder(root: folder.path + "/root", settings: Self.settings)
    recorder.open(Self.stream(), token: 0, position: 0)
    let taken = Self.append(recorder, 0..<5000, now: Self.second)
    #expect(taken < 5000)
    #expect(recorder.trouble?.number == ENOSPC)
    let durable = Self.tick(recorder, now: Self.second + 1)
    #expect(durable <= taken)
    try FileManager.default.removeItem(atPath: ballast)
    _ = Self.tick(recorder, now: 3 * Self.second)
    #expect(recorder.trouble == nil)
    #expect(Self.append(recorder, taken..<5000, now: 3 * Self.second) == 5000)
    recorder.close(now: 4 * Self.second) { _, _ in }
    let report = try SegmentVerifier.verify(try FileSource(try #require(folder.segments.first)), decompressor: Zstandard())
    #expect(report.verdict == .intact)
    #expect(report.channels.first?.messageCount == 5000 && report.channels.first?.missingCount == 0)
  }
}
