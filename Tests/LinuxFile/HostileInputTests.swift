import STTBuffers
import STTSample
import Testing

@testable import LinuxFile

/// Inputs nobody meant well with: every source comes to its end and loses no buffer.
@Suite struct HostileInputTests {
  let directory = TemporaryDirectory()

  @Test(arguments: 0..<200)
  func anyBytesInAnyFramingComeToAnEnd(seed: Int) throws {
    var generator = Generator(state: UInt64(seed))
    // Few different bytes make markers, line feeds and lengths likely.
    let alphabet: [UInt8] = [0xFF, 0xD8, 0xD9, 0xDA, 0x00, 0x02, 0x0A, 0x0D, 0xE0, 0x41]
    let content = (0..<Int(generator.next() % 5000)).map { _ in
      alphabet[Int(generator.next() % UInt64(alphabet.count))]
    }
    let path = directory.write("input", content)
    let most = Int(1 + generator.next() % 600)
    let framings: [Framing] =
      [.raw(chunkByteCount: most), .lines(maximumByteCount: most), .jpeg(maximumByteCount: most, frameID: "c")]
      + LengthPrefix.allCases.map { .lengthPrefixed($0, maximumByteCount: most) }
    for framing in framings {
      let source = try StreamedFileSource(StreamDescription(name: "s", schema: .opaque), path: path, framing: framing)
      var collector = Collector()
      var turns = 0
      var now: UInt64 = 0
      while let deadline = source.deadline, turns < 100_000 {
        turns += 1
        now = max(now, deadline)
        collector.refusedOutputs = generator.next() % 5 == 0 ? 1 : 0
        collector.refusedLeases = generator.next() % 5 == 0 ? 1 : 0
        source.produce(now: .at(now), into: &collector)
      }
      #expect(source.deadline == nil, "seed \(seed), \(framing): no end after \(turns) turns")
      #expect(collector.events.last == .finished)
      #expect(collector.pool.outstanding == 0)
      if case .raw = framing { #expect(collector.messages.flatMap(\.payload) == content) }
    }
  }

  @Test(arguments: 0..<100)
  func anyTextInAPolledFileIsReadOrLeftOut(seed: Int) throws {
    var generator = Generator(state: UInt64(seed))
    let alphabet = Array("0123456789-+.exXkcpu: \n\t\0\u{00e9}".utf8)
    let content = (0..<Int(generator.next() % 6000)).map { _ in alphabet[Int(generator.next() % UInt64(alphabet.count))]
    }
    let path = directory.write("value", content)
    let kinds: [Field.Kind] = [.double, .int64, .uint64, .bool, .string, .bytes, .fixed32, .fixed64]
    let attributes = kinds.flatMap { kind in
      [nil, "", "cpu", ":", "k"].flatMap { line in
        [0, 1, 3].map { column in
          Attribute(
            path, Field("f", kind), line: line, column: column, isHexadecimal: column == 3,
            scale: column == 1 ? 1 : .greatestFiniteMagnitude, offset: column == 1 ? 0 : -1e300)
        }
      }
    }
    let source = try PolledFileSource(StreamDescription(name: "s", schema: .opaque), attributes, hertz: 1)
    var collector = Collector()
    source.run(&collector, turns: 3)
    #expect(collector.messages.count == 3 || collector.events.count == 1)
    #expect(collector.messages.allSatisfy { $0.payload.count <= PolledFileSource.largestMessage(attributes) })
    #expect(collector.pool.outstanding == 0)
  }
}
