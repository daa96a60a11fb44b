import Foundation
import STTRecord
import STTRecorder
import STTSample
import Testing

/// Where each record of an MCAP file lies, the two magics left out.
private func records(_ bytes: [UInt8]) -> [Range<Int>] {
  var ranges: [Range<Int>] = []
  var offset = 8
  while offset + 9 <= bytes.count - 8 {
    let length = (1...8).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * ($1 - 1)) }
    ranges.append(offset..<offset + 9 + length)
    offset += 9 + length
  }
  return ranges
}

@Suite struct TamperTests {
  private static func recording(_ groups: Int) throws -> (bytes: [UInt8], keys: TestKeys) {
    let folder = try RecorderTests.Folder()
    let keys = TestKeys()
    let recorder = try Recorder(root: folder.path, settings: RecorderTests.settings, keys: keys.recording())
    recorder.open(RecorderTests.stream(), token: 0, position: 0)
    for group in 0..<UInt64(groups) {
      let now = RecorderTests.second * (group + 1)
      _ = RecorderTests.append(recorder, group..<group + 1, now: now)
      _ = RecorderTests.tick(recorder, now: now + RecorderTests.second / 2)
    }
    recorder.close(now: RecorderTests.second * UInt64(groups + 2)) { _, _ in }
    return (Array(try Data(contentsOf: URL(fileURLWithPath: try #require(folder.segments.first)))), keys)
  }

  private static func verdict(_ bytes: [UInt8], _ sources: KeySources) throws -> SegmentReport {
    try SegmentVerifier.verify(ArraySource(bytes: bytes), decompressor: Zstandard(), opener: SegmentUnsealer(sources))
  }

  /// Deletes, repeats, swaps, edits and cuts at one record; every reader must notice, and say where.
  private static func tamper(_ bytes: [UInt8], _ all: [Range<Int>], at index: Int, _ sources: KeySources) throws -> Int {
    let record = all[index]
    var tries: [(what: String, bytes: [UInt8], exact: Bool)] = []
    tries.append(("deleted", Array(bytes[..<record.lowerBound] + bytes[record.upperBound...]), true))
    tries.append(("repeated", Array(bytes[..<record.upperBound] + bytes[record.lowerBound...]), true))
    if index + 1 < all.count, bytes[record] != bytes[all[index + 1]] {
      let next = all[index + 1]
      tries.append(
        ("swapped", Array(bytes[..<record.lowerBound] + bytes[next] + bytes[record] + bytes[next.upperBound...]), true))
    }
    for place in [
      record.lowerBound, record.lowerBound + 9, (record.lowerBound + record.upperBound) / 2, record.upperBound - 1,
    ] {
      var edited = bytes
      edited[place] ^= 0x10
      tries.append(("edited at \(place)", edited, true))
    }
    tries.append(("cut", Array(bytes[..<record.lowerBound]), false))
    for attempt in tries {
      let report = try verdict(attempt.bytes, sources)
      #expect(report.verdict != .intact, "record \(index) \(attempt.what)")
      // The report names the group concerned: never a place long before it or behind it. Of the summary it names
      // the beginning. A changed code of a seal, which a recipient alone can check, shows in the data's checksum.
      let at = Int(report.damage?.offset ?? 0)
      let dataEnd = all.first { bytes[$0.lowerBound] == 0x0F } ?? 0..<0
      if record.lowerBound >= dataEnd.lowerBound, at >= dataEnd.lowerBound - 600 { continue }
      if bytes[record.lowerBound] == 0x81, sources.recipients.isEmpty, at == dataEnd.lowerBound { continue }
      let near = all[max(0, index - 6)].lowerBound...(all[min(all.count - 1, index + 6)].upperBound + 600)
      #expect(near.contains(at), "record \(index) \(attempt.what): named byte \(at), is at \(record.lowerBound)")
    }
    return tries.count
  }

  @Test("delete, repeat, swap, edit and cut at every record of a small recording, with a key and without any")
  func everyRecord() throws {
    let (bytes, keys) = try Self.recording(5)
    let all = records(bytes)
    #expect(all.count > 20)
    #expect(try Self.verdict(bytes, keys.sources(.recipient)).verdict == .intact)
    var count = 0
    for sources in [keys.sources(.recipient), keys.sources(.day), keys.sources(nil)] {
      for index in all.indices { count += try Self.tamper(bytes, all, at: index, sources) }
    }
    #expect(count > 500)
  }

  @Test("somebody who works out every hash again, but has no key, is found out by each kind of key")
  func hashesWorkedOutAgain() throws {
    let (bytes, keys) = try Self.recording(12)
    let all = records(bytes)
    let groups = all.filter { bytes[$0.lowerBound] == 0x81 }
    for group in 0..<groups.count - 1 {
      // The group between two seals goes, and every seal after it is made again.
      let start = group == 0 ? all[2].lowerBound : groups[group - 1].upperBound
      let forged = relinked(Array(bytes[..<start] + bytes[groups[group].upperBound...]))
      for slot in [TestKeys.Slot.day, .seed, .recipient] {
        #expect(try Self.verdict(forged, keys.sources(slot)).verdict == .altered, "group \(group), \(slot)")
      }
    }
  }
}
