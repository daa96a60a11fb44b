import STTWire

/// One valid example of a layout, as literal bytes, and how our code reads and writes it.
struct Layout: Sendable, CustomStringConvertible {
  var description: String
  var bytes: [UInt8]
  /// Lengths at which the example, cut or followed by more bytes, is still this layout.
  var accepts: @Sendable (Int) -> Bool
  /// Whether any accepted bytes come back exactly when written again.
  var isCanonical = true
  /// Reads and writes again.
  var again: @Sendable ([UInt8]) throws -> [UInt8]
}

func repeated(_ value: UInt8, _ count: Int) -> [UInt8] { [UInt8](repeating: value, count: count) }

func decode<T>(
  _ bytes: [UInt8], _ parse: (inout ByteReader) throws -> T
) throws -> T {
  var reader = ByteReader(bytes.span.bytes)
  return try parse(&reader)
}

func encode(_ write: (inout ByteWriter) -> Void) -> [UInt8] { ByteWriter.array(capacity: 70_000, write) }

extension Layout {
  static let all: [Layout] = handshake + session

  static let handshake: [Layout] = [
    Layout(
      description: "HELLO",
      bytes: [1, 3, 3, 0, 0xB0, 4, 0, 0] + repeated(0xA1, 32) + repeated(0xA2, 32) + repeated(0xA3, 16) + repeated(0xA4, 48)
        + repeated(0, 228) + repeated(0xA5, 32) + repeated(0xA6, 16),
      accepts: { $0 == 412 }, isCanonical: false
    ) { try Hello(payload: $0).payload },
    Layout(
      description: "HELLO's sealed part",
      bytes: [7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 1],
      accepts: { $0 == 32 }
    ) { try HelloSecret(bytes: $0).bytes },
    Layout(
      description: "RETRY", bytes: repeated(0xB1, 32) + repeated(0xB2, 32), accepts: { $0 == 64 }
    ) { try Retry(payload: $0).payload },
    Layout(
      description: "RESPONSE",
      bytes: [1, 2, 1, 0, 0xE3, 0xFF, 0, 0] + repeated(0xC1, 8) + repeated(0xC2, 32) + repeated(0xC3, 32)
        + repeated(0xC4, 252)
        + repeated(0xC5, 80),
      accepts: { $0 == 412 }
    ) { try Response(payload: $0).payload },
    Layout(
      description: "biscuit, sealed", bytes: [9, 0, 0, 0] + repeated(0xD1, 16) + repeated(0xD2, 232), accepts: { $0 == 252 }
    ) { try SealedBiscuit(bytes: $0).bytes },
    Layout(
      description: "biscuit, opened",
      bytes: [1, 2, 1, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0] + repeated(0xE1, 8) + repeated(0xE2, 32)
        + repeated(0xE3, 32) + repeated(0xE4, 32) + repeated(0xE5, 32) + repeated(0xE6, 32) + repeated(0xE7, 8)
        + [8, 0, 0, 0, 0, 0, 0, 0, 0xB0, 4] + repeated(0, 10),
      accepts: { $0 == 216 }, isCanonical: false
    ) { try Biscuit(bytes: $0).bytes },
    Layout(
      description: "AUTH_PROOF",
      bytes: repeated(0xF0, 8) + [0x12, 0, 0, 0] + repeated(0xF1, 252) + repeated(0xF2, 16) + repeated(0xF3, 40),
      accepts: { (296...1172).contains($0) }
    ) { try AuthProof(payload: $0).payload },
    Layout(
      description: "proof, HYBRID",
      bytes: repeated(1, 8) + repeated(2, 32) + repeated(3, 1184) + [1, 4, 0, 0, 1, 0, 2, 2, 25, 0, 3, 2, 0, 1],
      accepts: { [1224, 1230, 1234, 1238].contains($0) }, isCanonical: false
    ) { try ProofContent(bytes: $0, hybrid: true).bytes },
    Layout(
      description: "proof, SEED", bytes: repeated(1, 8) + repeated(2, 32) + [1, 4, 0, 0, 1, 0, 2, 2, 25, 0, 3, 2, 0, 1],
      accepts: { [40, 46, 50, 54].contains($0) }, isCanonical: false
    ) { try ProofContent(bytes: $0, hybrid: false).bytes },
    Layout(
      description: "session parameters", bytes: [1, 4, 0, 0, 1, 0, 2, 2, 25, 0, 3, 2, 0, 1],
      accepts: { [0, 6, 10, 14].contains($0) }, isCanonical: false
    ) { try SessionParameters(bytes: $0).bytes },
    Layout(
      description: "FINAL, HYBRID", bytes: repeated(4, 8) + [0, 0, 0, 0] + repeated(5, 1088) + repeated(6, 30),
      accepts: { (1116...1172).contains($0) }
    ) { try Final(payload: $0, hybrid: true).payload },
    Layout(
      description: "FINAL, SEED", bytes: repeated(4, 8) + [0, 0, 0, 0] + repeated(6, 30), accepts: { (28...84).contains($0) }
    ) { try Final(payload: $0, hybrid: false).payload },
    Layout(
      description: "FINAL, a refusal", bytes: repeated(4, 8) + [3, 0, 0, 0] + repeated(6, 16),
      accepts: { (28...84).contains($0) }
    ) { try Final(payload: $0, hybrid: true).payload },
  ]

  static let session: [Layout] = [
    Layout(
      description: "DATA, a whole message", bytes: [0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01] + repeated(7, 20),
      accepts: { $0 >= 8 }
    ) { bytes in try data(bytes, .wholeMessage) },
    Layout(
      description: "DATA, a part", bytes: [1, 0, 0, 0, 0, 0, 0, 0, 50, 0, 0, 0, 30, 0, 0, 0] + repeated(7, 20),
      accepts: { (17...36).contains($0) }
    ) { bytes in try data(bytes, .messageEnd) },
    Layout(
      description: "DATA, parity", bytes: [5, 1, 9, 0] + repeated(7, 20), accepts: { (4...1424).contains($0) }
    ) { bytes in
      var reader = ByteReader(bytes.span.bytes)
      let prefix = try ParityPrefix(&reader)
      let rest = reader.rest()
      return encode {
        prefix.write(&$0)
        $0.bytes(rest)
      }
    },
    Layout(
      description: "ACK of packets",
      bytes: [20, 0, 0, 0, 0, 0, 0, 0, 0xE8, 3, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0xFF, 0x07],
      accepts: { $0 == 24 || $0 == 48 },
      isCanonical: false, again: packetAck),
    Layout(
      description: "ACK of a stream", bytes: [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 4, 0, 0, 0, 0, 0, 0, 0],
      accepts: { $0 == 20 || $0 == 52 }
    ) { bytes in
      let ack = try decode(bytes) { try StreamAck(&$0) }
      return encode { ack.write(&$0) }
    },
    Layout(
      description: "ACK of a stream, with a chain head",
      bytes: [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 5, 0, 0, 0, 0, 0, 0, 0] + repeated(0xCC, 32),
      accepts: { $0 == 20 || $0 == 52 }
    ) { bytes in
      let ack = try decode(bytes) { try StreamAck(&$0) }
      return encode { ack.write(&$0) }
    },
    Layout(
      description: "NACK", bytes: [2, 0, 9, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0x80], accepts: { $0 == 18 }
    ) { bytes in
      let nack = try decode(bytes) { try Nack(&$0) }
      return encode { nack.write(&$0) }
    },
    Layout(
      description: "KEEP_ALIVE",
      bytes: [1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0], accepts: { $0 >= 24 },
      isCanonical: false
    ) { bytes in
      let frame = try decode(bytes) { try KeepAlive(&$0) }
      return encode { frame.write(&$0) }
    },
    Layout(
      description: "KEEP_ALIVE_ACK",
      bytes: [1, 2, 3, 4, 5, 6, 7, 8] + (1...5).flatMap { [UInt8($0), 0, 0, 0, 0, 0, 0, 0] }, accepts: { $0 >= 48 },
      isCanonical: false
    ) { bytes in
      let frame = try decode(bytes) { try KeepAliveAck(&$0) }
      return encode { frame.write(&$0) }
    },
    Layout(
      description: "bundled frame", bytes: [0x10, 0b1101, 3, 0, 4, 0, 0, 0, 5, 0] + repeated(9, 5), accepts: { $0 >= 15 }
    ) { bytes in
      var reader = ByteReader(bytes.span.bytes)
      let head = try BundledFrame(&reader)
      let rest = reader.rest()
      return encode {
        head.write(&$0)
        $0.bytes(rest)
      }
    },
    Layout(
      description: "REKEY_OFFER", bytes: repeated(1, 32) + repeated(2, 1184), accepts: { $0 == 1216 }
    ) { bytes in
      let offer = try decode(bytes) { try RekeyOffer(&$0) }
      return encode { offer.write(&$0) }
    },
    Layout(
      description: "REKEY_ACCEPT", bytes: repeated(1, 32) + repeated(2, 1088), accepts: { $0 == 1120 }
    ) { bytes in
      let accept = try decode(bytes) { try RekeyAccept(&$0) }
      return encode { accept.write(&$0) }
    },
    Layout(
      description: "IDENTITY", bytes: [1, 32, 0] + repeated(1, 32) + repeated(2, 64), accepts: { (99...3408).contains($0) }
    ) { bytes in
      let frame = try decode(bytes) { try IdentityFrame(&$0) }
      return encode { frame.write(&$0) }
    },
    Layout(
      description: "SKIP", bytes: [0x15, 0xCD, 0x5B, 7, 0, 0, 0, 0, 2], accepts: { $0 == 9 }
    ) { bytes in
      let skip = try decode(bytes) { try Skip(&$0) }
      return encode { skip.write(&$0) }
    },
    Layout(
      description: "SEED_UPDATE, the offer", bytes: [0, 2, 0, 0, 0, 0, 0x75, 0x12, 0] + repeated(0x5E, 32),
      accepts: { $0 == 41 }
    ) { bytes in
      let update = try decode(bytes) { try SeedUpdate(&$0) }
      return encode { update.write(&$0) }
    },
    Layout(
      description: "SEED_UPDATE, stored", bytes: [1, 2, 0, 0, 0], accepts: { $0 == 5 }
    ) { bytes in
      let update = try decode(bytes) { try SeedUpdate(&$0) }
      return encode { update.write(&$0) }
    },
    Layout(
      description: "SEED_UPDATE, refused", bytes: [2, 2, 0, 0, 0, 1], accepts: { $0 == 6 }
    ) { bytes in
      let update = try decode(bytes) { try SeedUpdate(&$0) }
      return encode { update.write(&$0) }
    },
    Layout(
      description: "STREAM_OPEN",
      bytes: [0, 0, 1, 0, 0, 1, 7, 0, 0xFA, 0, 0, 0] + repeated(0x1D, 16) + [2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
        + [4, 0] + Array("cpu0".utf8) + [8, 0] + Array("protobuf".utf8) + [3, 0] + Array("CPU".utf8)
        + [2, 0, 0xDE, 0xAD] + [0, 0],
      accepts: { $0 == 71 }
    ) { bytes in try decode(bytes) { try StreamOpen(&$0) }.bytes },
    Layout(
      description: "STREAM_FIN", bytes: [1, 0x15, 0xCD, 0x5B, 7, 0, 0, 0, 0], accepts: { $0 == 9 }
    ) { bytes in
      let end = try decode(bytes) { try StreamEnd(&$0) }
      return encode { end.write(&$0) }
    },
    Layout(
      description: "SESSION_CLOSE", bytes: [0] + Array("bye".utf8), accepts: { (1...129).contains($0) }
    ) { bytes in
      let close = try decode(bytes) { try SessionClose(&$0) }
      return encode { close.write(&$0) }
    },
    Layout(
      description: "ERROR", bytes: [1, 2] + Array("no".utf8), accepts: { (2...130).contains($0) }
    ) { bytes in
      let error = try decode(bytes) { try ErrorFrame(&$0) }
      return encode { error.write(&$0) }
    },
  ]

  private static func data(_ bytes: [UInt8], _ flags: FrameFlags) throws -> [UInt8] {
    var reader = ByteReader(bytes.span.bytes)
    let prefix = try DataPrefix(&reader, flags: flags)
    let rest = reader.rest()
    return encode {
      prefix.write(&$0, flags: flags)
      $0.bytes(rest)
    }
  }

  /// There is no writer of a packet ACK as a value: the session writes it from its replay window.
  private static func packetAck(_ bytes: [UInt8]) throws -> [UInt8] {
    var reader = ByteReader(bytes.span.bytes)
    let ack = try PacketAck(&reader)
    let words = (0..<ack.wordCount).map { ack.word($0) }
    let (largest, delay, base, bitCount) = (ack.largest, ack.delayMicroseconds, ack.base, ack.bitCount)
    let ecn = ack.ecn
    return encode {
      $0.u64(largest)
      $0.u32(delay)
      $0.u64(base)
      $0.u16(UInt16(bitCount))
      for byte in 0..<(bitCount + 7) / 8 { $0.u8(UInt8(truncatingIfNeeded: words[byte / 8] >> UInt64(byte % 8 * 8))) }
      ecn?.write(&$0)
    }
  }
}
