import STTBoard
import STTConfig
import STTKeyring
import STTRecord
import STTSample

/// Stands for a compression library: `source` begins with a byte that is repeated.
private struct RepeatedByte: ChunkDecompressor {
  func decompress(
    _ source: UnsafeRawBufferPointer, compression: String, into destination: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard let byte = source.first, destination.count < 1 << 20 else { return false }
    for index in destination.indices { destination[index] = byte }
    return true
  }
}

/// A recording: judged, taken apart, and mended. What was mended is intact, and holds no more than before.
func fuzzRecording(_ input: [UInt8]) -> Finding? {
  let source = ArraySource(bytes: input)
  var delivered = 0
  let verified = try? SegmentVerifier.verify(source, decompressor: RepeatedByte(), message: { _, _ in delivered += 1 })
  for schema in verified?.schemas.values.map(\.data) ?? [] { _ = MessageLayout.all(in: schema) }
  guard let report = verified, report.soundByteCount <= source.byteCount else {
    return verified == nil ? nil : Finding("more bytes are sound than there are")
  }
  if let finding = fuzzSalvage(source, delivered) { return finding }
  guard let recovery = try? SegmentRecovery(source, decompressor: RepeatedByte()) else { return nil }
  let kept = recovery.keptByteCount
  guard kept <= source.byteCount else { return Finding("recovery keeps bytes that are not there") }
  // A sealed file is ended by who has the collector's key.
  guard recovery.damage != nil, recovery.seal == nil else { return nil }
  let (data, summary) = recovery.ending(notes: [("stt.recovery", ["reason": "fuzzed"])])
  let mended = input.prefix(Int(kept)) + data + summary
  var again = 0
  let second = try? SegmentVerifier.verify(
    ArraySource(bytes: Array(mended)), decompressor: RepeatedByte(), message: { _, _ in again += 1 })
  // A file that goes backwards in its numbers stays what it was: altered.
  if again > delivered, report.damage == nil { return Finding("recovery made messages") }
  if second?.verdict == .truncated { return Finding("a mended file is truncated") }
  return nil
}

/// The same, past everything that is damaged: no fewer messages than up to the first damage, and an end.
private func fuzzSalvage(_ source: ArraySource, _ delivered: Int) -> Finding? {
  if let facts = try? SegmentFacts.read(source, name: "2026-11-23T19-06-00Z-000042.mcap"), facts.number != 42 {
    return Finding("a segment's number is read as \(facts.number)")
  }
  guard var reader = try? SegmentReader(source, decompressor: RepeatedByte()) else { return nil }
  if let outline = try? SegmentOutline.read(source) { reader.adopt(outline) }
  var saved = 0
  var damages = 0
  reading: while damages <= source.bytes.count {
    do {
      switch try reader.next() {
      case .chunk: try reader.forEachMessage { _ in saved += 1 }
      case .metadata: break
      case .dataEnd, .end: break reading
      }
    } catch let damage as SegmentDamage {
      damages += 1
      guard (try? reader.resume(after: damage)) == true else { break }
    } catch {
      return Finding("reading an array fails: \(error)")
    }
  }
  if damages > source.bytes.count { return Finding("passing over damage does not end") }
  return saved < delivered ? Finding("\(delivered) messages are whole, and \(saved) were saved") : nil
}

/// A pair file. What is taken says the same again.
func fuzzPair(_ input: [UInt8]) -> Finding? {
  guard let pair = input.withUnsafeBytes({ try? PairFile(text: $0) }) else { return nil }
  for commented in [false, true] {
    guard let text = try? pair.text(commented: commented),
      let again = text.withUnsafeBytes({ try? PairFile(text: $0) }), again.key == pair.key, again.name == pair.name,
      again.epochs.map(\.number) == pair.epochs.map(\.number), again.epochs.map(\.state) == pair.epochs.map(\.state),
      zip(again.epochs, pair.epochs).allSatisfy({ $0.seed.holdsSame(as: $1.seed) })
    else { return Finding("a pair file does not come back") }
  }
  return nil
}

/// A configuration, by the locator, the TOML library behind it, and both readers of what it means.
func fuzzConfiguration(_ input: [UInt8]) -> Finding? {
  guard let node = try? TOMLDocument.parse(input, source: "fuzzed.toml") else { return nil }
  _ = try? AgentConfiguration(node)
  _ = try? CollectorConfiguration(node)
  return nil
}
