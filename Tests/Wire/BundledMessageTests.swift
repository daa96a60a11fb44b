import STTWire
import Testing

/// The one-go reading and writing of small messages, held against the layouts it joins.
@Suite struct BundledMessageTests {
  static let time = MessageTime(monotonicNanoseconds: 0x1112_1314_1516_1718, wallNanoseconds: 0x2122_2324_2526_2728)

  /// Head, number, time and payload, each by its own layout.
  static func byParts(_ payload: [UInt8], stream: UInt16 = 0x0503, number: UInt64 = 77) -> [UInt8] {
    encode { writer in
      BundledFrame(
        type: .data, flags: .wholeMessage, stream: stream, sequence: 9, payloadByteCount: 8 + 16 + payload.count
      ).write(&writer)
      DataPrefix(message: number, total: 0, offset: 0).write(&writer, flags: .wholeMessage)
      time.write(&writer)
      writer.bytes(payload)
    }
  }

  @Test(arguments: [0, 1, 64, 1000, 65_000])
  func writesWhatTheLayoutsWriteOneByOne(payloadByteCount: Int) {
    let payload = (0..<payloadByteCount).map { UInt8(truncatingIfNeeded: $0) }
    let atOnce = encode { writer in
      guard let memory = writer.reserve(BundledMessage.headByteCount + payload.count) else { return }
      BundledMessage.write(
        unsafe: memory, stream: 0x0503, sequence: 9, number: 77, time: Self.time, payloadByteCount: payload.count)
      UnsafeMutableRawBufferPointer(start: memory + BundledMessage.headByteCount, count: payload.count)
        .copyBytes(from: payload)
    }
    #expect(atOnce == Self.byParts(payload))
  }

  @Test(arguments: [0, 1, 64, 1000])
  func readsWhatTheyWrite(payloadByteCount: Int) throws {
    let payload = (0..<payloadByteCount).map { UInt8(truncatingIfNeeded: $0) }
    let bytes = Self.byParts(payload) + [0xEE]
    var reader = ByteReader(bytes.span.bytes)
    let stream = reader.streamOfData
    #expect(stream == 0x0503)
    let message = reader.bundledMessage(stream: 0x0503, number: 77, largest: payloadByteCount)
    #expect(message?.time == Self.time && message?.payloadByteCount == payloadByteCount)
    let rest = try reader.array(reader.left)
    #expect(rest == payload + [0xEE])
  }

  /// Whether `bytes` are left alone.
  static func leaves(_ bytes: [UInt8], largest: Int = 64) -> Bool {
    var reader = ByteReader(bytes.span.bytes)
    return reader.bundledMessage(stream: 0x0503, number: 77, largest: largest) == nil && reader.offset == 0
  }

  @Test func leavesEverythingElse() {
    let good = Self.byParts(repeated(5, 64))
    #expect(!Self.leaves(good))
    #expect(Self.leaves(good, largest: 63))
    for end in 0..<good.count { #expect(Self.leaves(Array(good[..<end])), "\(end) bytes") }
    // Type, flags, stream, and the eight bytes of the number: any bit another way.
    for place in [0, 1, 2, 3] + Array(10..<18) {
      for bit in 0..<8 {
        var other = good
        other[place] ^= 1 << UInt8(bit)
        #expect(Self.leaves(other), "byte \(place), bit \(bit)")
      }
    }
    // A length without room for number and time.
    for length in UInt8(0)..<24 {
      var short = good
      short[8] = length
      #expect(Self.leaves(short), "\(length)")
    }
  }

  @Test func aWriterThatIsFullReservesNothing() {
    var memory = [UInt8](repeating: 7, count: 10)
    memory.withUnsafeMutableBytes { bytes in
      var writer = ByteWriter(unsafe: bytes)
      let tooMuch = writer.reserve(11)
      #expect(tooMuch == nil)
      let all = writer.reserve(10)
      #expect(all == bytes.baseAddress)
      let more = writer.reserve(1)
      #expect(more == nil)
      let overflowed = writer.overflowed
      #expect(!overflowed)
    }
  }
}
