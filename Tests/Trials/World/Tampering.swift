import Glibc
import STTCatalogue
import STTRecord
import STTRecorder
import STTSample

/// A sealed recording, and everything somebody with write access could do to it.
public final class Tampering {
  /// What came of it.
  public struct Outcome {
    public var attemptCount = 0
    /// What was not detected, or detected in another place.
    public var failures: [String] = []
  }

  private let place: TrialDirectory
  private let keys = TrialKeys(isSealed: true)
  private var folder: String { "\(place.path)/a/main" }

  /// Records `groups` batches in segments of `perSegment`.
  public init(groups: Int, perSegment: Int) throws {
    place = try TrialDirectory()
    try Self.record(groups, perSegment, place, keys)
  }

  private static func record(_ groups: Int, _ perSegment: Int, _ place: TrialDirectory, _ keys: TrialKeys) throws {
    let second: UInt64 = 1_000_000_000
    let settings = RecorderSettings(segmentAge: UInt64(perSegment) * second, reserveByteCount: 0)
    let recorder = try Recorder(root: place.path, settings: settings, keys: keys.recording)
    recorder.open(TrialRun.streams[0], token: 0, position: 0)
    for number in 0..<UInt64(groups) {
      let now = second * (number + 1)
      _ = TrialRun.payload(0, number).withUnsafeBytes {
        recorder.append(
          token: 0, number: number, deviceTime: SampleTime(monotonicNanoseconds: now, wallNanoseconds: now),
          publishTime: now, received: now, first: $0, now: now)
      }
      _ = recorder.tick(now: now + second, wall: now) { _, _ in }
    }
    recorder.close(now: second * UInt64(groups + 1)) { _, _ in }
  }

  private var names: [String] {
    TrialDirectory.entries(folder).filter { $0.hasSuffix(".mcap") }.sorted { $0.suffix(11) < $1.suffix(11) }
  }

  /// Records in all segments, the summaries' included.
  public func recordCount() throws -> Int {
    try names.reduce(0) { $0 + Self.records(try bytes("\(folder)/\($1)")).count }
  }

  /// Deletes, repeats, swaps, edits and cuts at every `stride`-th record of the first segment.
  public func everyRecord(stride: Int, progress: (Int, Int) -> Void = { _, _ in }) throws -> Outcome {
    var outcome = Outcome()
    guard let name = names.first else { throw TrialFailure("nothing was recorded") }
    let whole = try bytes("\(folder)/\(name)")
    let all = Self.records(whole)
    guard try report(whole).verdict == .intact else { throw TrialFailure("the untouched recording is not intact") }
    for index in Swift.stride(from: stride / 2, to: all.count, by: stride) {
      for (what, changed) in Self.changes(whole, all, index) {
        outcome.attemptCount += 1
        let found = try report(changed)
        guard found.verdict != .intact, let damage = found.damage else {
          outcome.failures.append("record \(index) \(what): not detected")
          continue
        }
        if !Self.isNear(Int(damage.offset), index, whole, all) {
          outcome.failures.append("record \(index) \(what): named byte \(damage.offset), is at \(all[index].lowerBound)")
        }
      }
      progress(index, all.count)
    }
    return outcome
  }

  /// Drops each segment, exchanges each with its neighbour, goes back to each earlier state, and puts a segment in
  /// each one's place that was recorded anew under a newer key.
  public func everySegment() throws -> Outcome {
    var outcome = Outcome()
    let names = names
    let whole = names.map { "\(folder)/\($0)" }
    let forged = try TrialDirectory()
    try Self.record(names.count, 1, forged, TrialKeys(isSealed: true))
    let anew = TrialDirectory.entries("\(forged.path)/a/main").map { "\(forged.path)/a/main/\($0)" }
    func attempt(_ what: String, _ files: [String]) throws {
      outcome.attemptCount += 1
      var missing: [String] = []
      var chain = SegmentChainCheck(isFolder: true)
      for file in files { chain.take(file, try report(try bytes(file)), &missing) }
      chain.finish(folder, keys.heads["a/main"], &missing)
      if missing.isEmpty { outcome.failures.append("\(what): not detected") }
    }
    for index in whole.indices {
      try attempt("segment \(index) dropped", Array(whole[..<index] + whole[(index + 1)...]))
      try attempt("everything from segment \(index) on rolled back", Array(whole[..<index]))
      if index + 1 < whole.count {
        var swapped = whole
        swapped.swapAt(index, index + 1)
        try attempt("segments \(index) and \(index + 1) exchanged", swapped)
      }
      var resealed = whole
      resealed[index] = anew[index]
      try attempt("segment \(index) sealed anew", resealed)
    }
    return outcome
  }

  /// Rolls the catalogue back to what it was before each segment; then the folder too, which the collector's memory of
  /// its newest segment shows; and takes each segment away that the catalogue names. Each must be named.
  public func everyCatalogue() throws -> Outcome {
    var outcome = Outcome()
    let now = try RecordingScan(root: place.path).everything()
    guard let there = now.first, now.count == 1 else { throw TrialFailure("nothing was recorded") }
    try keep()
    let noted = try Catalogue(root: place.path, .reading).folders()
    guard CatalogueDifference.all(noted, now).isEmpty else { throw TrialFailure("the untouched catalogue differs") }
    for (index, segment) in there.segments.enumerated() {
      var before = there
      before.segments.removeSubrange(index...)
      try keep(before.segments.map(\.name))
      let rolledBack = try Catalogue(root: place.path, .reading).folders()
      outcome.attemptCount += 3
      let behind = CatalogueDifference.all(rolledBack, now)
      if behind.first?.segment != segment.name || behind.contains(where: { $0.kind != .behind }) {
        outcome.failures.append("catalogue rolled back to before \(segment.name): \(behind)")
      }
      let newest = keys.heads["a/main"].flatMap {
        CatalogueDifference.remembered(before, segment: Digits.text($0.segment), head: $0.head.map { Digits.text($0) })
      }
      if newest?.kind != .missing {
        outcome.failures.append("rolled back with its folder to before \(segment.name): not detected")
      }
      var without = there
      without.segments.remove(at: index)
      let missing = CatalogueDifference.all(noted, [without])
      if missing.map(\.segment) != [segment.name] || missing.first?.kind != .missing {
        outcome.failures.append("\(segment.name) taken away: \(missing)")
      }
    }
    return outcome
  }

  /// Brings the catalogue to these segments; `nil`: to all that are there.
  private func keep(_ names: [String]? = nil) throws {
    let scan = RecordingScan(root: place.path)
    let catalogue = try Catalogue(root: place.path, .keeping)
    guard let listing = scan.listing("a/main") else { throw TrialFailure("nothing was recorded") }
    let files = listing.files.filter { names?.contains($0.name) ?? true }
    try catalogue.update("a/main", (listing.folder, files)) { try scan.segment("a/main", $0) }
  }

  private func report(_ bytes: [UInt8]) throws -> SegmentReport {
    try SegmentVerifier.verify(
      ArraySource(bytes: bytes), decompressor: Zstandard(), opener: SegmentUnsealer(keys.sources))
  }

  private static func changes(_ bytes: [UInt8], _ all: [Range<Int>], _ index: Int) -> [(String, [UInt8])] {
    let record = all[index]
    var changes: [(String, [UInt8])] = [
      ("deleted", Array(bytes[..<record.lowerBound] + bytes[record.upperBound...])),
      ("repeated", Array(bytes[..<record.upperBound] + bytes[record.lowerBound...])),
      ("cut", Array(bytes[..<record.lowerBound])),
    ]
    if index + 1 < all.count, bytes[record] != bytes[all[index + 1]] {
      let next = all[index + 1]
      changes.append(
        ("swapped", Array(bytes[..<record.lowerBound] + bytes[next] + bytes[record] + bytes[next.upperBound...])))
    }
    for place in [
      record.lowerBound, record.lowerBound + 9, (record.lowerBound + record.upperBound) / 2, record.upperBound - 1,
    ] {
      var edited = bytes
      edited[place] ^= 0x10
      changes.append(("edited at \(place)", edited))
    }
    return changes
  }

  /// The report names the group concerned; of the summary it names the beginning.
  private static func isNear(_ offset: Int, _ index: Int, _ bytes: [UInt8], _ all: [Range<Int>]) -> Bool {
    let dataEnd = (all.first { bytes[$0.lowerBound] == 0x0F } ?? 0..<0).lowerBound
    if all[index].lowerBound >= dataEnd { return offset >= dataEnd - 600 }
    let near = all[max(0, index - 6)].lowerBound...(all[min(all.count - 1, index + 6)].upperBound + 600)
    return near.contains(offset)
  }

  /// Where each record of an MCAP file lies, the two magics left out.
  private static func records(_ bytes: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var offset = 8
    while offset + 9 <= bytes.count - 8 {
      let length = (1...8).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * ($1 - 1)) }
      ranges.append(offset..<offset + 9 + length)
      offset += 9 + length
    }
    return ranges
  }

  private func bytes(_ path: String) throws -> [UInt8] {
    let source = try FileSource(path)
    var bytes = [UInt8](repeating: 0, count: Int(source.byteCount))
    _ = try bytes.withUnsafeMutableBytes { try source.read(at: 0, into: $0) }
    return bytes
  }
}
