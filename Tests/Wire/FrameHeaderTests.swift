import STTWire
import Testing

@Suite struct FrameHeaderTests {
  /// DATA, flags ENCRYPTED | PRIORITY | epoch 3 | BEGIN, with a payload of three bytes.
  static let literal: [UInt8] = [
    0x01, 0x10, 0x7A, 0x00, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 0x03,
    0x00, 0x00, 0x00, 0x0A, 0xB2, 0xAA, 0xBB, 0xCC,
  ]

  static let header = FrameHeader(
    type: .data, flags: FrameFlags(rawValue: 0x7A), session: SessionID(rawValue: 0x0102_0304_0506_0708), stream: 0x1234,
    sequence: 0x1234_5678, payloadByteCount: 3)

  /// CRC-16/CCITT-FALSE bit by bit, so that the code's table is not its own judge.
  static func mendChecksum(_ datagram: inout [UInt8]) {
    var crc: UInt16 = 0xFFFF
    for byte in datagram[0..<22] {
      crc ^= UInt16(byte) << 8
      for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
    }
    datagram[22] = UInt8(crc & 255)
    datagram[23] = UInt8(crc >> 8)
  }

  static func mended(_ datagram: [UInt8], _ change: (inout [UInt8]) -> Void) -> [UInt8] {
    var changed = datagram
    change(&changed)
    mendChecksum(&changed)
    return changed
  }

  static func written(_ header: FrameHeader) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: 24)
    bytes.withUnsafeMutableBytes { buffer in
      if let base = buffer.baseAddress { header.write(unsafe: base) }
    }
    return bytes
  }

  @Test("lies on the wire as docs/protocol.md 2.2 draws it")
  func literalBytes() throws {
    #expect(Self.written(Self.header) == Array(Self.literal.prefix(24)))
    #expect(try FrameHeader(datagram: Self.literal.span.bytes) == Self.header)
    #expect(Self.header.flags.keyEpoch == 3)
  }

  @Test("written and read one after another, headers have the checksum each of them has alone")
  func oneAfterAnother() throws {
    var header = Self.header
    var generator = SystemRandomNumberGenerator()
    var (writing, reading) = (HeaderChecksum(), HeaderChecksum())
    for round in 0..<2000 {
      header.sequence &+= 1
      // Of each field one changes, and what lies on both sides of where the comparison ends.
      switch round % 7 {
      case 0: header.flags = header.flags.with(keyEpoch: UInt8(round & 3))
      case 1: header.session = SessionID(rawValue: .random(in: .min ... .max, using: &generator))
      case 2: header.stream = .random(in: .min ... .max, using: &generator)
      case 3: header.type = round.isMultiple(of: 2) ? .data : .bundle
      default: break
      }
      var datagram = [UInt8](repeating: 0xEE, count: 27)
      datagram.withUnsafeMutableBytes { buffer in
        if let base = buffer.baseAddress { header.write(unsafe: base, &writing) }
      }
      var mended = datagram
      Self.mendChecksum(&mended)
      #expect(datagram == mended, "round \(round)")
      #expect(try FrameHeader(datagram: datagram.span.bytes, &reading) == header)
      let place = round % 24
      guard place > 0 else { continue }
      datagram[place] ^= 1
      #expect(throws: WireError.checksumMismatch) { try FrameHeader(datagram: datagram.span.bytes, &reading) }
    }
  }

  @Test("header* is the header with its checksum zero")
  func withoutChecksum() {
    #expect(Self.header.bytesWithoutChecksum == Array(Self.literal.prefix(22)) + [0, 0])
  }

  @Test("every cut and every byte more is refused")
  func otherLengths() {
    for count in 0..<24 {
      #expect(throws: WireError.truncated) { try FrameHeader(datagram: Self.literal.span.bytes.extracting(0..<count)) }
    }
    for count in 24..<27 {
      #expect(throws: WireError.lengthMismatch) {
        try FrameHeader(datagram: Self.literal.span.bytes.extracting(0..<count))
      }
    }
    let longer = Self.literal + [0]
    #expect(throws: WireError.lengthMismatch) { try FrameHeader(datagram: longer.span.bytes) }
  }

  @Test("every single-bit change of the 24 bytes is refused by the checksum or before it")
  func everyBit() {
    for bit in 0..<24 * 8 {
      var changed = Self.literal
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: WireError.self, "bit \(bit)") { try FrameHeader(datagram: changed.span.bytes) }
    }
  }

  @Test("versions other than 1 are refused, with the version told")
  func otherVersions() {
    for version in UInt8.min...UInt8.max where version != 1 {
      let changed = Self.mended(Self.literal) { $0[0] = version }
      #expect(throws: WireError.unknownVersion(version)) { try FrameHeader(datagram: changed.span.bytes) }
    }
  }

  @Test("types 0x00 and 0x05 to 0x0F are nobody's; 0x01 to 0x04 end in four bytes of CRC-32; all others are sealed")
  func everyType() throws {
    for type in UInt8.min...UInt8.max {
      let changed = Self.mended(Self.literal) {
        $0[1] = type
        $0[2] = 0
      }
      switch type {
      case 0, 5...15:
        #expect(throws: WireError.unexpectedType(type)) { try FrameHeader(datagram: changed.span.bytes) }
      case 1...4:
        #expect(throws: WireError.lengthMismatch) { try FrameHeader(datagram: changed.span.bytes) }
        let withTrailer = changed + [0, 0, 0, 0]
        #expect(try FrameHeader(datagram: withTrailer.span.bytes).type.isHandshake)
      default:
        #expect(try FrameHeader(datagram: changed.span.bytes).type.isSession)
      }
    }
    #expect(FrameType(rawValue: 0x80).isApplication && FrameType(rawValue: 0xFE).isApplication)
    #expect(!FrameType(rawValue: 0x7F).isApplication && !FrameType.error.isApplication)
  }

  @Test(
    "of the 65,536 flag words a type takes exactly those of docs/protocol.md 2.2",
    arguments: [
      (FrameType.hello, UInt16(0)), (.response, 1 << 9), (.authProof, 0), (.final, 0), (.data, 0b1_1111_1010),
      (.bundle, 0b1_1111_1010), (.error, 0b1_1111_1010),
    ])
  func everyFlag(type: FrameType, allowed: UInt16) {
    for flags in stride(from: UInt16.min, through: .max, by: type == .data ? 1 : 37) {
      let changed = Self.mended(Self.literal + (type.isHandshake ? [0, 0, 0, 0] : [])) {
        $0[1] = type.rawValue
        $0[2] = UInt8(flags & 255)
        $0[3] = UInt8(flags >> 8)
      }
      let taken = (try? FrameHeader(datagram: changed.span.bytes)) != nil
      if taken != (flags & ~allowed == 0) { Issue.record("flags \(String(flags, radix: 2)) of type \(type.rawValue)") }
    }
    for bit in 0..<16 {
      let changed = Self.mended(Self.literal + (type.isHandshake ? [0, 0, 0, 0] : [])) {
        $0[1] = type.rawValue
        $0[2] = UInt8(1 << bit & 255)
        $0[3] = UInt8((1 << bit) >> 8)
      }
      let taken = (try? FrameHeader(datagram: changed.span.bytes)) != nil
      #expect(taken == (allowed >> UInt16(bit) & 1 == 1), "bit \(bit)")
    }
  }

  @Test(
    "lengths that lie are refused, also those near 2^32", arguments: [0, 2, 4, 0xFFFF, 0xFFFF_FFE5, 0xFFFF_FFFF] as [UInt32])
  func lyingLength(length: UInt32) {
    let changed = Self.mended(Self.literal) {
      for index in 0..<4 { $0[18 + index] = UInt8(truncatingIfNeeded: length >> UInt32(8 * index)) }
    }
    #expect(throws: WireError.lengthMismatch) { try FrameHeader(datagram: changed.span.bytes) }
  }

  @Test("the key epoch lies in bits 4 and 5 and touches no other, modulo 4")
  func keyEpoch() {
    for epoch in UInt8(0)..<9 {
      let flags = FrameFlags(rawValue: 0xFFFF).with(keyEpoch: epoch)
      #expect(flags.rawValue == 0xFFCF | UInt16(epoch % 4) << 4)
      #expect(flags.keyEpoch == epoch % 4)
      #expect(FrameFlags().with(keyEpoch: epoch).rawValue == UInt16(epoch % 4) << 4)
    }
  }

  @Test("a session id is the first eight bytes of one nonce XOR the other, as they lie")
  func sessionID() {
    let one: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8] + repeated(0xFF, 24)
    let other: [UInt8] = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80] + repeated(0, 24)
    let id = SessionID(initiatorNonce: one, responderNonce: other)
    #expect(id.rawValue == 0x8877_6655_4433_2211)
    #expect(id == SessionID(initiatorNonce: other, responderNonce: one))
    #expect(SessionID(initiatorNonce: one, responderNonce: one) == .none)
  }
}
