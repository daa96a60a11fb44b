import STTWire
import Testing

@Suite struct HandshakeDatagramTests {
  static let token = Retry(initiatorNonce: repeated(0x11, 32), token: repeated(0x22, 32))

  @Test("RETRY is 92 bytes: header, 64 of payload, and zlib's CRC-32 of both at the end")
  func retryLiteral() throws {
    let datagram = HandshakeDatagram.encode(.response, flags: .retry, session: .none, payload: Self.token.payload)
    let header: [UInt8] = [1, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0]
    #expect(Array(datagram.prefix(22)) == header)
    #expect(Array(datagram[24..<88]) == repeated(0x11, 32) + repeated(0x22, 32))
    #expect(datagram.count == 92)
    #expect(Array(datagram.suffix(4)) == crc32(Array(datagram.prefix(88))))
    let read = try FrameHeader(datagram: datagram.span.bytes)
    #expect(read.flags == .retry && read.type == .response && read.session == .none)
    #expect(try Retry(payload: HandshakeDatagram.payload(of: datagram.span.bytes, header: read)) == Self.token)
  }

  @Test("every single-bit change of payload or checksum is refused")
  func everyBit() throws {
    let datagram = HandshakeDatagram.encode(.response, flags: .retry, session: .none, payload: Self.token.payload)
    let header = try FrameHeader(datagram: datagram.span.bytes)
    for bit in 24 * 8..<datagram.count * 8 {
      var changed = datagram
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: WireError.checksumMismatch, "bit \(bit)") {
        try HandshakeDatagram.payload(of: changed.span.bytes, header: header)
      }
    }
  }

  @Test("a session frame is no handshake datagram, and one too short for its CRC is cut")
  func notAHandshake() throws {
    let session = FrameHeaderTests.literal
    let header = try FrameHeader(datagram: session.span.bytes)
    #expect(throws: WireError.unexpectedType(0x10)) {
      try HandshakeDatagram.payload(of: session.span.bytes, header: header)
    }
    let hello = FrameHeader(type: .hello, session: .none, payloadByteCount: 0)
    for count in 0..<28 {
      let short = repeated(0, count)
      #expect(throws: WireError.truncated) { try HandshakeDatagram.payload(of: short.span.bytes, header: hello) }
    }
  }

  @Test("HELLO has 412 bytes and zeros for padding; 411, 413 and other padding are refused")
  func helloPadding() throws {
    let hello = Hello(
      modes: 2, suites: 3, maximumDatagram: 1200, nonce: repeated(1, 32), ephemeral: repeated(2, 32),
      keyHint: repeated(3, 16),
      sealed: repeated(4, 48), retryToken: repeated(5, 32), mac1: repeated(6, 16))
    let payload = hello.payload
    #expect(payload.count == 412)
    #expect(try Hello(payload: payload) == hello)
    for other in [Array(payload.dropLast()), payload + [0], Array(payload.prefix(364)) + [0] + Array(payload.suffix(48))] {
      #expect(throws: WireError.lengthMismatch) { try Hello(payload: other) }
    }
    for place in 136..<364 {
      var changed = payload
      changed[place] = 1
      #expect(throws: WireError.reservedNotZero) { try Hello(payload: changed) }
    }
  }

  @Test("reserved bytes must be zero, in HELLO, RESPONSE, biscuits, AUTH_PROOF and FINAL")
  func reservedBytes() {
    let places: [(String, [Int])] = [
      ("HELLO", [6, 7]), ("RESPONSE", [6, 7]), ("biscuit, sealed", [1, 2, 3]), ("biscuit, opened", [3]),
      ("AUTH_PROOF", [9, 10, 11]), ("FINAL, SEED", [9, 10, 11]), ("FINAL, HYBRID", [9, 10, 11]),
    ]
    for (name, offsets) in places {
      for layout in Layout.handshake where layout.description == name {
        for offset in offsets {
          var dirty = layout.bytes
          dirty[offset] = 0x80
          #expect(throws: WireError.reservedNotZero, "\(name) byte \(offset)") { try layout.again(dirty) }
        }
      }
    }
  }

  @Test("AUTH_PROOF has one or two parts, numbered below their count")
  func fragments() {
    for fragment in UInt8.min...UInt8.max {
      let payload = repeated(0xF0, 8) + [fragment, 0, 0, 0] + repeated(1, 252) + repeated(2, 16) + repeated(3, 16)
      let taken = (try? AuthProof(payload: payload)) != nil
      #expect(taken == [0x01, 0x02, 0x12].contains(fragment), "\(fragment)")
    }
  }

  @Test("a part of AUTH_PROOF in a datagram of 1200 bytes holds 876 bytes, and two hold a HYBRID proof")
  func partCapacity() {
    #expect(24 + 280 + AuthProof.partCapacity + 16 + 4 == 1200)
    #expect(8 + 32 + 1184 + SessionParameters.mostBytes <= 2 * AuthProof.partCapacity)
    #expect(24 + 12 + 1088 + SessionParameters.mostBytes + 16 + 4 == 1200, "so does FINAL")
  }

  @Test("session parameters: unknown types are skipped, absent ones have their default, 56 bytes fit and 57 do not")
  func parameters() throws {
    #expect(try SessionParameters(bytes: []) == SessionParameters())
    let known = try SessionParameters(bytes: [0x7F, 3, 9, 9, 9, 0x02, 2, 0x0A, 0, 0x55, 0])
    #expect(known.acknowledgementDelayMilliseconds == 10)
    #expect(known.sessionWindow == 64 << 20 && known.streamLimit == 256)
    let full: [UInt8] = [0x70, 54] + repeated(0, 54)
    #expect(try SessionParameters(bytes: full) == SessionParameters())
    #expect(throws: WireError.trailingBytes) { try SessionParameters(bytes: [0x70, 55] + repeated(0, 55)) }
    for type in UInt8(1)...3 {
      for length in UInt8(0)...8 where length != (type == 1 ? 4 : 2) {
        #expect(throws: WireError.lengthMismatch) {
          try SessionParameters(bytes: [type, length] + repeated(0, Int(length)))
        }
      }
    }
  }
}

/// zlib's CRC-32, bit by bit, as four little-endian bytes.
func crc32(_ bytes: [UInt8]) -> [UInt8] {
  var crc: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
  }
  return (0..<4).map { UInt8(truncatingIfNeeded: ~crc >> UInt32(8 * $0)) }
}
