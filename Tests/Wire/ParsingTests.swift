import STTChecksum
import STTWire
import Testing

@Suite struct ParsingTests {
  /// One valid payload of each frame, and a parser that answers whether it takes bytes.
  struct Frame: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    /// Whether bytes behind the end are part of the frame's own last field.
    var isOpenEnded = false
    var parses: @Sendable ([UInt8]) -> Bool
  }

  static func written(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 8192) { buffer, count in
      var writer = ByteWriter(unsafe: UnsafeMutableRawBufferPointer(buffer))
      body(&writer)
      count = writer.count
    }
  }

  static func reading(_ bytes: [UInt8], _ body: (inout ByteReader) throws -> Void) -> Bool {
    var reader = ByteReader(bytes.span.bytes)
    do {
      try body(&reader)
      return true
    } catch {
      return false
    }
  }

  static let open = StreamOpen(
    largestMessage: 4096, delivery: .reliable, durability: .durable, priority: 1, uid: StreamUID(high: 1, low: 2),
    incarnation: 3, firstMessage: 4, name: "load", schemaEncoding: "protobuf", schemaName: "stt.load",
    schemaData: [1, 2, 3], purpose: "main")

  static let frames: [Frame] = [
    Frame(
      testDescription: "packet ACK",
      bytes: written { w in
        w.u64(100); w.u32(7); w.u64(64); w.u16(37); w.bytes([UInt8](repeating: 0xFF, count: 5))
      }, parses: { bytes in reading(bytes) { _ = try PacketAck(&$0) } }),
    Frame(
      testDescription: "stream ACK", bytes: written { StreamAck(delivered: 9, window: 5, durable: 8).write(&$0) },
      parses: { bytes in reading(bytes) { _ = try StreamAck(&$0) } }),
    Frame(
      testDescription: "NACK", bytes: written { Nack(packets: [1, 2]).write(&$0) },
      parses: { bytes in reading(bytes) { _ = try Nack(&$0) } }),
    Frame(
      testDescription: "SKIP", bytes: written { Skip(upTo: 5, reason: 1).write(&$0) },
      parses: { bytes in reading(bytes) { _ = try Skip(&$0) } }),
    Frame(
      testDescription: "STREAM_FIN", bytes: written { StreamEnd(reason: 0, end: 5).write(&$0) },
      parses: { bytes in reading(bytes) { _ = try StreamEnd(&$0) } }),
    Frame(
      testDescription: "STREAM_OPEN", bytes: open.bytes, parses: { bytes in reading(bytes) { _ = try StreamOpen(&$0) } }),
    Frame(
      testDescription: "REKEY_OFFER", bytes: [UInt8](repeating: 1, count: RekeyOffer.byteCount),
      parses: { bytes in reading(bytes) { _ = try RekeyOffer(&$0) } }),
    Frame(
      testDescription: "REKEY_ACCEPT", bytes: [UInt8](repeating: 1, count: RekeyAccept.byteCount),
      parses: { bytes in reading(bytes) { _ = try RekeyAccept(&$0) } }),
    Frame(
      testDescription: "SEED_UPDATE",
      bytes: written { SeedUpdate.offer(epoch: 2, overlapSeconds: 60, seed: [UInt8](0..<32)).write(&$0) },
      parses: { bytes in reading(bytes) { _ = try SeedUpdate(&$0) } }),
    Frame(
      testDescription: "KEEP_ALIVE",
      bytes: written {
        KeepAlive(token: 1, sent: MessageTime(monotonicNanoseconds: 2, wallNanoseconds: 3)).write(&$0)
      }, isOpenEnded: true, parses: { bytes in reading(bytes) { _ = try KeepAlive(&$0) } }),
    Frame(
      testDescription: "HELLO",
      bytes: Hello(
        modes: 2, suites: 3, maximumDatagram: 1200, nonce: [UInt8](0..<32), ephemeral: [UInt8](0..<32),
        keyHint: [UInt8](0..<16)
      ).payload, parses: { (try? Hello(payload: $0)) != nil }),
    Frame(
      testDescription: "RESPONSE",
      bytes: Response(
        mode: 2, suite: 2, maximumDatagram: 1200, initiatorNoncePrefix: [UInt8](0..<8), nonce: [UInt8](0..<32),
        ephemeral: [UInt8](0..<32), biscuit: [UInt8](repeating: 0, count: 252)
      ).payload,
      parses: { (try? Response(payload: $0)) != nil }),
  ]

  @Test("every shorter and longer form of a frame is refused", arguments: frames)
  func lengths(frame: Frame) {
    #expect(frame.parses(frame.bytes))
    for count in 0..<frame.bytes.count { #expect(!frame.parses(Array(frame.bytes[..<count])), "\(count) bytes") }
    if !frame.isOpenEnded { #expect(!frame.parses(frame.bytes + [0x55])) }
  }

  @Test("random bytes never trap", arguments: frames)
  func randomBytes(frame: Frame) {
    var state: UInt64 = 99
    for _ in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1
      let count = Int(state >> 33) % (frame.bytes.count + 20)
      var bytes = (0..<count).map { _ -> UInt8 in
        state = state &* 6_364_136_223_846_793_005 &+ 1
        return UInt8(truncatingIfNeeded: state >> 56)
      }
      // Half of them a true frame with a few bytes changed, which goes deeper.
      if state >> 40 & 1 == 1, count <= frame.bytes.count {
        let noise = bytes
        bytes = frame.bytes
        for place in 0..<min(4, noise.count) { bytes[Int(noise[place]) % bytes.count] = noise[place] }
      }
      _ = frame.parses(bytes)
    }
  }

  @Test("a header's 24 bytes are where the specification says")
  func headerBytes() throws {
    var bytes = [UInt8](repeating: 0, count: 24)
    let header = FrameHeader(
      type: .data, flags: [.encrypted, .messageBegin], session: SessionID(rawValue: 0x0807_0605_0403_0201), stream: 0x0A09,
      sequence: 0x0E0D_0C0B, payloadByteCount: 5)
    bytes.withUnsafeMutableBytes { header.write(unsafe: $0.baseAddress.unsafelyUnwrapped) }
    #expect(
      bytes[..<22] == [
        1, 0x10, 0x42, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 5, 0, 0, 0,
      ])
    #expect(try FrameHeader(datagram: (bytes + [0, 0, 0, 0, 0]).span.bytes) == header)
    for (count, error): (Int, WireError) in [(4, .lengthMismatch), (6, .lengthMismatch)] {
      #expect(throws: error) { try FrameHeader(datagram: (bytes + [UInt8](repeating: 0, count: count)).span.bytes) }
    }
    for bit in 0..<24 * 8 {
      var changed = bytes + [0, 0, 0, 0, 0]
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: WireError.self, "bit \(bit)") { try FrameHeader(datagram: changed.span.bytes) }
    }
  }

  @Test("message numbers end below 2^62")
  func messageNumbers() {
    for (number, isTaken): (UInt64, Bool) in [(1 << 62 - 1, true), (1 << 62, false), (.max, false)] {
      let bytes = Self.written { w in
        w.u64(number); w.u8(1)
      }
      #expect(Self.reading(bytes) { _ = try DataPrefix(&$0, flags: .wholeMessage) } == isTaken)
      #expect(Self.reading(bytes) { _ = try Skip(&$0) } == isTaken)
    }
  }

  @Test("a bundle in a bundle, or a handshake frame in one, is refused")
  func bundles() {
    for type: FrameType in [.bundle, .hello, .final] {
      let bytes = Self.written { BundledFrame(type: type, stream: 1, payloadByteCount: 0).write(&$0) }
      #expect(!Self.reading(bytes) { _ = try BundledFrame(&$0) })
    }
  }

  @Test("checksums: their published check values, and any slice against the definition")
  func checksums() {
    let check = Array("123456789".utf8)
    #expect(CRC32.of(check.span.bytes) == 0xCBF4_3926)
    #expect(CRC16.of(check.span.bytes) == 0x29B1)
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 * 37) }
    for start in 0..<17 {
      for end in stride(from: start, through: bytes.count, by: 7) {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes[start..<end] {
          crc ^= UInt32(byte)
          for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        #expect(CRC32.of(Array(bytes[start..<end]).span.bytes) == ~crc)
      }
    }
  }
}
