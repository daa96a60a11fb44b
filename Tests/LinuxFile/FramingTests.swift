import Glibc
import STTBuffers
import STTSample
import Testing

@testable import LinuxFile

/// Records, sentences, values of lines and pictures, from files that are cut at any place.
@Suite struct FramingTests {
  let directory = TemporaryDirectory()

  private func read(
    _ content: [UInt8], _ framing: Framing, lines: LineContent = .opaque
  ) throws -> (messages: [Collector.Message], events: [SourceEvent]) {
    let source = try StreamedFileSource(
      StreamDescription(name: "s", schema: .opaque), .file(path: directory.write("input", content)), framing: framing,
      lines: lines)
    var collector = Collector()
    source.run(&collector)
    #expect(collector.pool.outstanding == 0)
    return (collector.messages, collector.events)
  }

  @Test func aSentenceCountsOnlyWithARightChecksum() throws {
    let sound = [
      "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47", "!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C",
    ]
    let unsound = ["$GPGGA,1*00", "$GPRMC,without", "*47", "noise", "$*", "$*0", "$GP*4G"]
    let text = (sound + unsound + [""]).joined(separator: "\r\n") + "\r\n"
    let (messages, events) = try read(Array(text.utf8), .nmea(maximumByteCount: 200))
    #expect(messages.map(\.text) == sound)
    #expect(
      events == [
        .gap(count: UInt64(unsound.count), reason: "sentences without a checksum, or with one that does not fit"), .finished,
      ])
  }

  @Test func recordsAreFoundByTheirBeginning() throws {
    let record: [UInt8] = [0xAA, 0x55, 1, 2]
    let (messages, events) = try read(
      [9, 0xAA, 7] + record + record + [0xAA] + record + [0xAA, 0x55, 3], .fixed(byteCount: 4, start: [0xAA, 0x55]))
    #expect(messages.map(\.payload) == [record, record, record])
    // 3 before the first, 1 between, 3 of one that never ended.
    #expect(events == [.gap(count: 1, reason: "7 bytes belong to no record"), .finished])
  }

  @Test func recordsWithoutABeginningAreCountedOff() throws {
    let (messages, events) = try read(Array(0..<8), .fixed(byteCount: 4, start: []))
    #expect(messages.map(\.payload) == [[0, 1, 2, 3], [4, 5, 6, 7]])
    #expect(events == [.finished])
  }

  @Test func aLineBecomesAFieldAndOtherBytesAnother() throws {
    let (messages, _) = try read(Array("on\n".utf8) + [0xFF, 10], .lines(maximumByteCount: 100), lines: .text)
    #expect(messages.map(\.payload) == [[0x0A, 2, 0x6F, 0x6E], [0x12, 1, 0xFF]])
  }

  @Test func wordsOfLinesBecomeFieldsWithUnits() throws {
    let attributes = [
      Attribute("", Field("temperature", .double, unit: "Cel"), line: "T", column: 2, scale: 0.1),
      Attribute("", Field("mass", .int64, unit: "g"), line: "M", column: 1),
    ]
    let source = try StreamedFileSource(
      StreamDescription(name: "s", schema: .opaque),
      .file(path: directory.write("input", Array("T;x; 215 ;\nM;-7\nnothing\nT;;\n".utf8))),
      framing: .lines(maximumByteCount: 100), messageName: "scale",
      lines: .values(attributes, separator: UInt8(ascii: ";")))
    #expect(source.description.schema.name == "stt.scale")
    let types = MessageLayout.all(in: source.description.schema.data)
    var collector = Collector()
    source.run(&collector)
    let fields = collector.messages.map { types["stt.scale"]?.decode($0.payload.span.bytes, types: types) }
    #expect(
      fields == [
        [DecodedField(name: "temperature", unit: "Cel", value: .number(21.5))],
        [DecodedField(name: "mass", unit: "g", value: .integer(-7))],
      ])
    #expect(collector.events == [.finished])
  }

  /// What the encoder (x264) said each of 20 pictures has, of three slices each, with its parameter sets.
  private static let sizes = [
    1002, 610, 667, 76, 67, 70, 68, 67, 66, 66, 768, 55, 51, 54, 56, 58, 73, 67, 628, 457,
  ]

  private var recorded: [UInt8] {
    get throws {
      let path = #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/recorded.h264"
      return Array(try #require(smallBytes(path)))
    }
  }

  @Test func aRecordedStreamOfH264IsCutIntoItsPictures() throws {
    let (messages, events) = try read(try recorded, .h264(maximumByteCount: 100_000, frameID: "camera"))
    let types = MessageLayout.all(in: Schema.compressedVideo.data)
    let layout = try #require(types["foxglove.CompressedVideo"])
    let pictures = messages.map { layout.decode($0.payload.span.bytes, types: types) }
    #expect(pictures.allSatisfy { $0.contains(DecodedField(name: "format", unit: "", value: .text("h264"))) })
    let counts = pictures.compactMap { fields in
      fields.compactMap { if case .bytes(let count) = $0.value { count } else { nil } }.first
    }
    #expect(counts == Self.sizes)
    #expect(events == [.finished])
  }

  @Test func picturesOfH264AreTheSameInAnyPieces() throws {
    let stream = try recorded
    for piece in [1, 2, 3, 5, 64, 999] {
      var scanner = H264Scanner()
      // As the source does: what was not counted comes again.
      var sizes: [Int] = []
      var body: [UInt8] = []
      var rest = stream[...]
      var scanned = 0
      while !rest.isEmpty || scanned < body.count {
        if scanned == body.count {
          body += rest.prefix(piece)
          rest = rest.dropFirst(piece)
        }
        switch body[scanned...].withUnsafeBytes({ scanner.scan($0) }) {
        case .garbage(let count):
          if count == 0, rest.isEmpty {
            scanned = body.count
          } else if count == 0 {
            body += rest.prefix(piece)
            rest = rest.dropFirst(piece)
          }
          body.removeFirst(count)
        case .partial: scanned = body.count
        case .broken: Issue.record("nothing is broken")
        case .picture(let count):
          sizes.append(scanned + count)
          body.removeFirst(scanned + count)
          scanned = 0
        }
      }
      #expect(sizes + [body.count] == Self.sizes, "pieces of \(piece)")
      #expect(scanner.hasSlice)
    }
  }

  private func smallBytes(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    return count < 0 ? nil : Array(bytes.prefix(count))
  }
}
