import Foundation
import STC
import STTRecord
import STTRecorder
import STTSample
import Testing

/// Keys that live as long as a test.
final class TestKeys {
  let seed: SlotKey
  let recipient = RecipientKey(seed: (0..<32).map { $0 &* 11 &+ 3 })
  var days: [String: [UInt8]] = [:]
  var heads: [String: ChainHead] = [:]
  let collector = [UInt8](repeating: 9, count: 32)

  init() {
    guard let seed = try? Seed(bytes: (0..<32).map { $0 &* 7 &+ 1 }),
      let pair = try? Pair(
        initiatorID: [UInt8](repeating: 1, count: 32), responderID: [UInt8](repeating: 2, count: 32), epoch: 1)
    else { preconditionFailure("a seed and a pair that were valid yesterday") }
    self.seed = SlotKey(seed: PairKeys(seed: seed, pair: pair).recordWrapKey)
  }

  enum Slot { case day, seed, recipient }

  func recording(_ slots: Set<Slot> = [.day, .seed, .recipient], suite: STC.Suite = .aes256GCM) -> RecordingKeys {
    return RecordingKeys(
      suite: suite, seals: true, seed: { [seed] in $0 == "dev" && slots.contains(.seed) ? (1, seed) : nil },
      recipients: slots.contains(.recipient) ? [recipient?.publicKey].compactMap { $0 } : [],
      day: slots.contains(.day) ? { (day: String) throws(RecorderError) -> SlotKey in self.day(day) } : nil,
      collector: { () throws(RecorderError) -> [UInt8] in self.collector },
      remember: { (folder: String, head: ChainHead) throws(RecorderError) in self.heads[folder] = head })
  }

  private func day(_ day: String) -> SlotKey {
    let key = days[day] ?? (0..<32).map { _ in UInt8.random(in: 0...255) }
    days[day] = key
    return SlotKey(day: key)
  }

  /// A reader with only the key of one slot.
  func sources(_ slot: Slot?) -> KeySources {
    switch slot {
    case .day: KeySources(days: { [days] in days[$0].map { [SlotKey(day: $0)] } ?? [] }, collectors: [collector])
    case .seed: KeySources(seeds: [seed])
    case .recipient: KeySources(recipients: [recipient].compactMap { $0 })
    case nil: KeySources()
    }
  }
}

@Suite struct SealedTests {
  static func report(_ path: String, _ sources: KeySources) throws -> SegmentReport {
    try SegmentVerifier.verify(try FileSource(path), decompressor: Zstandard(), opener: SegmentUnsealer(sources))
  }

  static func record(_ folder: RecorderTests.Folder, _ keys: RecordingKeys, _ numbers: Range<UInt64>) throws {
    let recorder = try Recorder(root: folder.path, settings: RecorderTests.settings, keys: keys)
    recorder.open(RecorderTests.stream(), token: 0, position: numbers.lowerBound)
    #expect(RecorderTests.append(recorder, numbers, now: RecorderTests.second) == numbers.upperBound)
    recorder.close(now: 2 * RecorderTests.second) { _, _ in }
  }

  @Test(
    "each slot opens what was recorded, nothing else does, and the codes are checked with the recipient's key alone",
    arguments: [STC.Suite.aes256GCM, .chaCha20Poly1305])
  func slots(suite: STC.Suite) throws {
    let folder = try RecorderTests.Folder()
    let keys = TestKeys()
    try Self.record(folder, keys.recording(suite: suite), 0..<90)
    let path = try #require(folder.segments.first)
    for slot in [TestKeys.Slot.day, .seed, .recipient] {
      let report = try Self.report(path, keys.sources(slot))
      #expect(report.verdict == .intact, "\(slot): \(report.damage?.description ?? "")")
      #expect(report.isOpened && report.messageCount == 90)
      #expect(report.seal?.isEndKnown == true)
      #expect(report.seal?.isAttested == (slot == .recipient))
    }
    for other in [keys.sources(nil), TestKeys().sources(.day)] {
      let report = try Self.report(path, other)
      #expect(report.verdict == .intact && !report.isOpened && report.messageCount == 0)
      #expect(report.seal?.note.slots.count == 3)
    }
  }

  @Test("names, numbers and payloads are nowhere in a sealed file")
  func secrecy() throws {
    let folder = try RecorderTests.Folder()
    let keys = TestKeys()
    let recorder = try Recorder(root: folder.path, settings: RecorderTests.settings, keys: keys.recording())
    recorder.open(RecorderTests.stream(name: "heart-rate"), token: 0, position: 0)
    _ = RecorderTests.append(recorder, 0..<40, now: RecorderTests.second)
    recorder.close(now: 2 * RecorderTests.second) { _, _ in }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: try #require(folder.segments.first)))
    for secret in ["heart-rate", "ffeeddccbbaa99887766554433221100", "reliable", "stt.incarnation"] {
      #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(secret)")
    }
    #expect(bytes.range(of: Data(repeating: 7, count: 100)) == nil)
  }

  @Test("cut at any byte, a collector that can't read it recovers it, and knows how far each stream was recorded")
  func writeOnlyRecovery() throws {
    let folder = try RecorderTests.Folder()
    let keys = TestKeys()
    let recorder = try Recorder(root: folder.path, settings: RecorderTests.settings, keys: keys.recording([.recipient]))
    recorder.open(RecorderTests.stream(), token: 0, position: 0)
    _ = RecorderTests.append(recorder, 0..<60, now: RecorderTests.second)
    #expect(RecorderTests.tick(recorder, now: 2 * RecorderTests.second) == 60)
    let path = try #require(folder.segments.first)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for cut in stride(from: whole.count, to: 30, by: -61) {
      try whole.prefix(cut).write(to: URL(fileURLWithPath: path))
      for round in 0..<2 {
        let again = try Recorder(root: folder.path, settings: RecorderTests.settings, keys: keys.recording([.recipient]))
        let position = again.positions.first?.position ?? 0
        if cut == whole.count { #expect(position == 60, "round \(round)") }
        #expect(again.recovered.count == (round == 0 ? 1 : 0), "cut at \(cut), round \(round)")
        guard FileManager.default.fileExists(atPath: path) else {
          // Cut before its seal was there: it held nothing, and is no segment.
          #expect(position == 0 && FileManager.default.fileExists(atPath: path + ".damaged"), "cut at \(cut)")
          continue
        }
        let report = try Self.report(path, keys.sources(.recipient))
        #expect(report.seal != nil, "cut at \(cut)")
        #expect(report.verdict == .intact, "cut at \(cut): \(report.damage?.description ?? "")")
        #expect(report.channels.first?.endNumber ?? 0 == position, "cut at \(cut), round \(round)")
        if let seal = report.seal { #expect(seal.isRecovered) }
      }
    }
  }

  @Test("after a crash and a recovery the chain goes on, and each dropped segment is missed")
  func chainOfSegments() throws {
    let folder = try RecorderTests.Folder()
    let keys = TestKeys()
    for part in 0..<4 { try Self.record(folder, keys.recording(), UInt64(part) * 20..<UInt64(part + 1) * 20) }
    // A segment that ends in a crash, its recovery, and one more.
    let crashed = try Recorder(root: folder.path, settings: RecorderTests.settings, keys: keys.recording())
    crashed.open(RecorderTests.stream(), token: 0, position: 80)
    _ = RecorderTests.append(crashed, 80..<100, now: RecorderTests.second)
    _ = RecorderTests.tick(crashed, now: 2 * RecorderTests.second)
    try Self.record(folder, keys.recording(), 100..<120)
    let files = folder.segments
    #expect(files.count == 6)
    func missing(_ files: [String]) throws -> [String] {
      var found: [String] = []
      var check = SegmentChainCheck(isFolder: true)
      for file in files { check.take(file, try Self.report(file, keys.sources(.day)), &found) }
      check.finish(folder.path, keys.heads["dev/main"], &found)
      return found
    }
    #expect(try missing(files) == [])
    for dropped in files.indices {
      var rest = files
      rest.remove(at: dropped)
      #expect(try missing(rest).count == 1, "without segment \(dropped)")
    }
  }

  @Test("an unsealed copy has every message and opens without a key")
  func unsealing() throws {
    let folder = try RecorderTests.Folder()
    let keys = TestKeys()
    try Self.record(folder, keys.recording(), 0..<90)
    let path = try #require(folder.segments.first)
    let plain = folder.path + "/plain.mcap"
    guard case .locked(let slots) = try PlainCopy.write(path, to: plain, keys: keys.sources(nil)) else {
      Issue.record("a sealed file was copied without a key")
      return
    }
    #expect(slots.count == 3)
    _ = try PlainCopy.write(path, to: plain, keys: keys.sources(.seed))
    let report = try SegmentVerifier.verify(try FileSource(plain), decompressor: Zstandard())
    #expect(report.verdict == .intact && report.messageCount == 90 && report.seal == nil)
  }
}
