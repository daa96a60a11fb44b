import STTWire
import Testing

@Suite struct PacketAckTests {
  static func payload(largest: UInt64, base: UInt64, bits: Int, bitmap: [UInt8]) -> [UInt8] {
    encode {
      $0.u64(largest)
      $0.u32(17)
      $0.u64(base)
      $0.u16(UInt16(truncatingIfNeeded: bits))
      $0.bytes(bitmap)
    }
  }

  static func isTaken(largest: UInt64, base: UInt64, bits: Int) -> Bool {
    let payload = payload(largest: largest, base: base, bits: bits, bitmap: repeated(0xFF, (bits + 7) / 8))
    var reader = ByteReader(payload.span.bytes)
    do {
      _ = try PacketAck(&reader)
      return true
    } catch { return false }
  }

  @Test("1 to 2048 bits are taken; 0 and 2049 are refused")
  func bitCount() {
    #expect(!Self.isTaken(largest: 9, base: 10, bits: 0))
    #expect(Self.isTaken(largest: 10, base: 10, bits: 1))
    #expect(Self.isTaken(largest: 2047, base: 0, bits: 2048))
    #expect(!Self.isTaken(largest: 2048, base: 0, bits: 2049))
  }

  @Test("the last bit is the largest packet; any other count is refused, also where the difference wraps")
  func lastBitIsLargest() {
    for bits in 1...64 { #expect(Self.isTaken(largest: 63, base: 0, bits: bits) == (bits == 64)) }
    #expect(!Self.isTaken(largest: 0, base: 1, bits: 1))
    #expect(!Self.isTaken(largest: 0, base: .max, bits: 2), "base behind largest, modulo 2^64")
    #expect(Self.isTaken(largest: .max, base: .max, bits: 1))
    #expect(Self.isTaken(largest: .max, base: .max - 2047, bits: 2048))
    #expect(!Self.isTaken(largest: .max, base: 0, bits: 1), "a difference that does not fit")
  }

  @Test("bit i is bit i % 8 of byte i / 8; bits behind the last, and words behind the last, are zero")
  func words() throws {
    for bits in Array(1...200) + [2047, 2048] {
      let bitmap = (0..<(bits + 7) / 8).map { UInt8(truncatingIfNeeded: $0 &* 113 ^ 0xA5) }
      let payload = Self.payload(largest: 1000 + UInt64(bits) - 1, base: 1000, bits: bits, bitmap: bitmap)
      var reader = ByteReader(payload.span.bytes)
      let ack = try PacketAck(&reader)
      let (base, count, delay, wordCount) = (ack.base, ack.bitCount, ack.delayMicroseconds, ack.wordCount)
      #expect(base == 1000 && count == bits && delay == 17 && wordCount == (bits + 63) / 64)
      for index in 0..<wordCount + 2 {
        var expected: UInt64 = 0
        for bit in 0..<64 where index * 64 + bit < bits {
          let place = index * 64 + bit
          if bitmap[place / 8] >> UInt8(place % 8) & 1 == 1 { expected |= 1 << UInt64(bit) }
        }
        let word = ack.word(index)
        #expect(word == expected, "word \(index) of \(bits) bits")
      }
      let negative = ack.word(-1)
      #expect(negative == 0)
    }
  }

  @Test("counts of marks may follow the bitmap, whole")
  func counts() throws {
    let counts = ECNCounts(capable0: 7, capable1: .max, congestion: 1 << 40)
    let tail = encode { counts.write(&$0) }
    let head = Self.payload(largest: 9, base: 0, bits: 10, bitmap: [0xFF, 3])
    for count in 0...25 {
      let payload = head + (tail + [0]).prefix(count)
      var reader = ByteReader(payload.span.bytes)
      do {
        let ack = try PacketAck(&reader)
        let found = ack.ecn
        #expect(count == 0 && found == nil || count == 24 && found == counts)
      } catch { #expect(![0, 24].contains(count) && error == (count < 24 ? .truncated : .trailingBytes)) }
    }
  }

  @Test("the two bits of an IP header, whatever is above them")
  func bits() {
    for value in UInt8.min ... .max { #expect(ECN(bits: value).rawValue == value & 3) }
  }

  @Test("a bitmap one byte short or long is refused")
  func bitmapLength() {
    for bits in [1, 8, 9, 64, 65, 2048] {
      for difference in [-1, 1] {
        let payload = Self.payload(
          largest: UInt64(bits) - 1, base: 0, bits: bits, bitmap: repeated(1, (bits + 7) / 8 + difference))
        var reader = ByteReader(payload.span.bytes)
        do {
          _ = try PacketAck(&reader)
          Issue.record("\(bits) bits, \(difference) bytes")
        } catch { #expect(error == .truncated) }
      }
    }
  }
}
