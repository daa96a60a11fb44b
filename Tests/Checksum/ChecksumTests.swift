import STTChecksum
import Testing

@Suite struct ChecksumTests {
  static let digits = Array("123456789".utf8)

  @Test("CRC-32 of \"123456789\" is CBF43926, of nothing 0, of one zero byte D202EF8D")
  func crc32KnownAnswers() {
    #expect(CRC32.of(Self.digits.span.bytes) == 0xCBF4_3926)
    #expect(CRC32.of([UInt8]().span.bytes) == 0)
    #expect(CRC32.of([UInt8(0)].span.bytes) == 0xD202_EF8D)
  }

  @Test("CRC-16/CCITT-FALSE of \"123456789\" is 29B1, of nothing FFFF")
  func crc16KnownAnswers() {
    #expect(CRC16.of(Self.digits.span.bytes) == 0x29B1)
    #expect(CRC16.of([UInt8]().span.bytes) == 0xFFFF)
  }

  @Test("every slice of 80 bytes, at every alignment, has the checksums their definitions give")
  func slicesAgreeWithDefinition() {
    let bytes = noise(80)
    for start in 0..<bytes.count {
      for end in start...bytes.count {
        let slice = bytes.span.bytes.extracting(start..<end)
        let part = Array(bytes[start..<end])
        #expect(CRC32.of(slice) == bitwiseCRC32(part), "[\(start), \(end))")
        #expect(CRC16.of(slice) == bitwiseCRC16(part), "[\(start), \(end))")
      }
    }
  }

  @Test("a CRC-32 fed in two pieces is the CRC-32 of the whole, wherever the cut")
  func piecesAddUp() {
    let bytes = noise(257)
    let whole = CRC32.of(bytes.span.bytes)
    for cut in 0...bytes.count {
      var crc = CRC32()
      crc.update(bytes.span.bytes.extracting(0..<cut))
      crc.update(bytes.span.bytes.extracting(cut..<bytes.count))
      #expect(crc.value == whole, "cut at \(cut)")
    }
  }

  @Test("the checksum of two pieces, from those of each, is that of both")
  func joined() {
    for count in [0, 1, 7, 64, 1000, 70_000] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ $0 >> 7) }
      for split in Set([0, 1, count / 3, count - 1, count]) where (0...count).contains(split) {
        let (first, second) = (Array(bytes[..<split]), Array(bytes[split...]))
        let joined = CRC32.joined(
          CRC32.of(first.span.bytes), CRC32.of(second.span.bytes), byteCount: second.count)
        #expect(joined == CRC32.of(bytes.span.bytes), "\(split) of \(count)")
      }
    }
  }

  @Test("asking for the value in between changes nothing, and no bytes change nothing")
  func valueIsNoMutation() {
    var crc = CRC32()
    crc.update(Self.digits.span.bytes.extracting(0..<4))
    _ = crc.value
    crc.update([UInt8]().span.bytes)
    crc.update(unsafe: UnsafeRawBufferPointer(start: nil, count: 0))
    crc.update(Self.digits.span.bytes.extracting(4..<9))
    #expect(crc.value == 0xCBF4_3926)
  }

  @Test("both notice every single-bit change of a 24-byte header")
  func noticeEveryBit() {
    let bytes = noise(24)
    for bit in 0..<bytes.count * 8 {
      var changed = bytes
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(CRC32.of(changed.span.bytes) != CRC32.of(bytes.span.bytes), "bit \(bit)")
      #expect(CRC16.of(changed.span.bytes) != CRC16.of(bytes.span.bytes), "bit \(bit)")
    }
  }
}

/// Bytes without a pattern the tables could share.
private func noise(_ count: Int) -> [UInt8] {
  var state: UInt32 = 0x2545_F491
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 17
    state ^= state << 5
    return UInt8(truncatingIfNeeded: state >> 11)
  }
}

/// ISO 3309 by polynomial division, one bit after another.
private func bitwiseCRC32(_ bytes: [UInt8]) -> UInt32 {
  var crc: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    for bit in 0..<8 {
      let divides = (crc ^ UInt32(byte >> UInt8(bit))) & 1 == 1
      crc = crc >> 1 ^ (divides ? 0xEDB8_8320 : 0)
    }
  }
  return ~crc
}

private func bitwiseCRC16(_ bytes: [UInt8]) -> UInt16 {
  var crc: UInt16 = 0xFFFF
  for byte in bytes {
    for bit in stride(from: 7, through: 0, by: -1) {
      let divides = (crc >> 15 ^ UInt16(byte >> UInt8(bit))) & 1 == 1
      crc = crc << 1 ^ (divides ? 0x1021 : 0)
    }
  }
  return crc
}
