import STTSample
import Testing

@testable import STTRecord

@Suite struct SegmentTests {
  @Test("what is written is read: payloads, numbers, both device times, in order")
  func roundTrip() throws {
    let (bytes, _) = SampleFile.make()
    let (messages, report) = try SampleFile.read(bytes)
    #expect(messages == SampleFile.messages)
    #expect(report.verdict == .intact)
    #expect(report.channels.map(\.missingCount) == [0, 0])
    #expect(MessageLayout.all(in: report.schemas[1]?.data ?? [])["stt.one"]?.members.first?.unit == "Cel")
  }

  @Test("cut at every byte: truncated, and every whole chunk before the cut is given back")
  func everyCut() throws {
    let (bytes, groupEnds) = SampleFile.make()
    for count in 0..<bytes.count {
      let (messages, report) = try SampleFile.read(Array(bytes[..<count]))
      #expect(report.verdict == .truncated, "\(count) of \(bytes.count) bytes")
      let whole = groupEnds.count { $0 <= count } * 4
      #expect(messages.count >= whole, "\(count) bytes")
      #expect(messages == Array(SampleFile.messages.prefix(messages.count)), "\(count) bytes")
    }
  }

  @Test("recovery of every cut gives an intact file with every whole chunk")
  func everyRecovery() throws {
    let (bytes, groupEnds) = SampleFile.make()
    for count in 60..<bytes.count {
      let cut = Array(bytes[..<count])
      let recovery = try SegmentRecovery(ArraySource(bytes: cut), decompressor: NoDecompression())
      #expect(recovery.damage != nil)
      let kept = Int(recovery.keptByteCount)
      let (data, summary) = recovery.ending(notes: [("stt.recovery", ["reason": "test"])])
      let mended = Array(cut[..<kept]) + data + summary
      let (messages, report) = try SampleFile.read(mended)
      #expect(report.verdict == .intact, "\(count) bytes: \(report.damage?.description ?? "")")
      #expect(messages == Array(SampleFile.messages.prefix(groupEnds.count { $0 <= count } * 4)), "\(count) bytes")
    }
  }

  @Test("every single bit changed is noticed")
  func everyBit() throws {
    let (bytes, _) = SampleFile.make()
    for bit in 0..<bytes.count * 8 {
      var changed = bytes
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      let (_, report) = try SampleFile.read(changed)
      #expect(report.verdict != .intact, "bit \(bit % 8) of byte \(bit / 8)")
    }
  }

  @Test("random bytes behind a magic never trap", arguments: 0..<200)
  func randomBytes(seed: UInt64) throws {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    let noise: [UInt8] = (0..<600).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
    let (_, report) = try SampleFile.read(MCAP.magic + noise)
    #expect(report.verdict != .intact)
  }

  @Test(
    "a varint is read alone and with more behind it, as LEB128 defines it",
    arguments: [
      ([0x00], 0), ([0x7F], 127), ([0x80, 0x01], 128), ([0xE5, 0x8E, 0x26], 624_485), ([0x80, 0x00], 0),
      ([0xFF, 0xFF, 0xFF, 0x7F], 268_435_455), ([0x80, 0x80, 0x80, 0x80, 0x10], 1 << 32),
      ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], (1 << 56) - 1),
      ([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], 1 << 56),
      ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], .max),
      ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], nil),
    ] as [([UInt8], UInt64?)])
  func varints(bytes: [UInt8], value: UInt64?) {
    for behind in 0...9 {
      let all = bytes + [UInt8](repeating: 0xFF, count: behind)
      var cursor = RecordCursor(all.span.bytes)
      let read = cursor.varint()
      #expect(read == value)
      #expect(value == nil || cursor.left == behind)
    }
    var cut = RecordCursor(bytes.span.bytes.extracting(first: bytes.count - 1))
    let read = cut.varint()
    #expect(read == nil)
  }

  @Test("identities survive extremes: numbers that jump, clocks that wrap")
  func identityExtremes() throws {
    let extremes: [UInt64] = [0, .max, 1, .max / 2, .max - 1, 0]
    var store = ByteStore(capacity: 4096)
    var encoder = IdentityPredictor()
    let identities = extremes.map { value in
      MessageIdentity(
        channel: 3, number: value, deviceTime: SampleTime(monotonicNanoseconds: value &* 3, wallNanoseconds: ~value))
    }
    for identity in identities { encoder.encode(identity, into: &store) }
    var decoder = IdentityPredictor()
    var cursor = RecordCursor(RawSpan(_unsafeBytes: store.unsafeBytes))
    for identity in identities {
      let decoded = decoder.decode(&cursor)
      #expect(decoded == identity)
    }
    #expect(cursor.left == 0)
  }

  @Test("notes are read through the summary of a finished file, and a cut file has none")
  func notes() throws {
    var writer = SegmentWriter(compressor: NoCompression(), library: "test", chunkCapacity: 4096)
    writer.addMetadata(name: "stt.positions", ["u:1": "42"])
    writer.finish()
    let bytes = [UInt8](writer.pending)
    var whole = ArraySource(bytes: bytes)
    #expect(try SegmentNotes.read(&whole)?.first?.entries == ["u:1": "42"])
    for count in 0..<bytes.count {
      var cut = ArraySource(bytes: Array(bytes[..<count]))
      #expect(try SegmentNotes.read(&cut) == nil, "\(count) bytes")
    }
  }

  @Test("a number that goes back is reported as altered, a gap is counted")
  func orderOfNumbers() throws {
    for (numbers, verdict, missing): ([UInt64], SegmentReport.Verdict, UInt64) in [
      ([0, 1, 2], .intact, 0), ([0, 5, 6], .intact, 4), ([3, 2], .altered, 0), ([1, 1], .altered, 0),
    ] {
      var writer = SegmentWriter(compressor: NoCompression(), library: "test", chunkCapacity: 4096)
      _ = writer.addChannel(topic: "a", schema: .opaque, metadata: ["stt.delivery": "reliable"])
      for number in numbers {
        writer.append(
          MessageIdentity(
            channel: 0, number: number, deviceTime: SampleTime(monotonicNanoseconds: 0, wallNanoseconds: 0)),
          logTime: 1, publishTime: 1, first: UnsafeRawBufferPointer(start: nil, count: 0))
      }
      writer.finish()
      let (_, report) = try SampleFile.read([UInt8](writer.pending))
      #expect(report.verdict == verdict, "\(numbers)")
      #expect(report.channels[0].missingCount == missing, "\(numbers)")
    }
  }

  /// Everything that can be read, also behind what is damaged.
  private func salvage(_ bytes: [UInt8]) throws -> [[UInt8]] {
    let source = ArraySource(bytes: bytes)
    var reader = try SegmentReader(source, decompressor: NoDecompression())
    if let outline = try SegmentOutline.read(source) { reader.adopt(outline) }
    var found: [[UInt8]] = []
    while true {
      do {
        switch try reader.next() {
        case .chunk:
          try reader.forEachMessage { found.append($0.payload.withUnsafeBytes { [UInt8]($0) }) }
        case .metadata: break
        case .dataEnd, .end: return found
        }
      } catch let damage as SegmentDamage {
        guard try reader.resume(after: damage) else { return found }
      }
    }
  }

  @Test("past a damaged chunk reading goes on: any bit of any chunk costs that chunk alone")
  func salvageGoesOnBehindADamage() throws {
    let (bytes, groupEnds) = SampleFile.make()
    let payloads = SampleFile.messages.map(\.payload)
    #expect(try salvage(bytes) == payloads)
    // From the first chunk's record on, which begins behind magic and header.
    let first = try #require(bytes.indices.first { bytes[$0...].starts(with: [6]) && $0 > 20 })
    for place in first..<(groupEnds.last ?? 0) {
      var damaged = bytes
      damaged[place] ^= 0x10
      let chunk = groupEnds.firstIndex { place < $0 } ?? 0
      let rest = payloads.indices.filter { $0 / 4 != chunk }.map { payloads[$0] }
      let saved = try salvage(damaged)
      #expect(rest.allSatisfy { saved.contains($0) }, "byte \(place)")
    }
  }

  @Test("an outline tells what the summary says, and a cut file has none")
  func outline() throws {
    let (bytes, _) = SampleFile.make()
    let outline = try #require(try SegmentOutline.read(ArraySource(bytes: bytes)))
    #expect(outline.channels.map(\.topic) == ["a", "b"])
    #expect(outline.messageCounts == [0: 6, 1: 6])
    #expect((outline.firstTime, outline.lastTime) == (5000, 5011))
    #expect(outline.chunkCount == 3 && outline.isPlain && !outline.isRecovered)
    for count in 0..<bytes.count { #expect(try SegmentOutline.read(ArraySource(bytes: Array(bytes[..<count]))) == nil) }
  }
}
