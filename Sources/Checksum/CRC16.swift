/// CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF, no reflection): the header checksum of
/// every STT frame (docs/protocol.md 2.2). A noise filter, never a security decision.
public enum CRC16 {
  /// At `256 n + b`: the checksum, from zero, of byte `b` and `n` zeros after it; for n from 0 to 7.
  public static let tables: [UInt16] = {
    var tables = (0..<256).map { byte in
      var crc = UInt16(byte) << 8
      for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
      return crc
    }
    for place in 256..<2048 {
      let before = tables[place - 256]
      tables.append(before << 8 ^ tables[Int(before >> 8)])
    }
    return tables
  }()

  /// Eight bytes at a time, each through a table of its own: steps of one byte would wait for one another
  /// (Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators").
  public static func of(_ bytes: RawSpan) -> UInt16 {
    bytes.withUnsafeBytes { buffer in
      tables.withUnsafeBufferPointer { tables in
        guard let table = tables.baseAddress else { return 0 }
        var crc: UInt64 = 0xFFFF
        var start = 0
        while buffer.count - start >= 8 {
          let group = UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: start, as: UInt64.self))
          crc = UInt64(fold(table, group, after: UInt16(truncatingIfNeeded: crc)))
          start += 8
        }
        if buffer.count - start >= 4 {
          let group = UInt32(bigEndian: buffer.loadUnaligned(fromByteOffset: start, as: UInt32.self))
          crc = UInt64(fold(table, group ^ UInt32(truncatingIfNeeded: crc) << 16, zeros: 0))
          start += 4
        }
        while start < buffer.count {
          crc = (crc << 8 & 0xFFFF) ^ UInt64(table[Int(crc >> 8) ^ Int(buffer[start])])
          start += 1
        }
        return UInt16(truncatingIfNeeded: crc)
      }
    }
  }

  /// The checksum of what `before` is the checksum of and eight bytes more, as a big-endian number.
  @inlinable @inline(__always)
  public static func fold(_ table: UnsafePointer<UInt16>, _ eight: UInt64, after before: UInt16) -> UInt16 {
    // The checksum so far lies over the first two bytes.
    let group = eight ^ UInt64(before) << 48
    return fold(table, UInt32(truncatingIfNeeded: group >> 32), zeros: 4)
      ^ fold(table, UInt32(truncatingIfNeeded: group), zeros: 0)
  }

  /// What four bytes, and `zeros` after them, leave.
  @inlinable @inline(__always)
  static func fold(_ table: UnsafePointer<UInt16>, _ group: UInt32, zeros: Int) -> UInt16 {
    table[(zeros + 3) << 8 | Int(group >> 24)] ^ table[(zeros + 2) << 8 | Int(group >> 16 & 0xFF)]
      ^ table[(zeros + 1) << 8 | Int(group >> 8 & 0xFF)] ^ table[zeros << 8 | Int(group & 0xFF)]
  }
}
