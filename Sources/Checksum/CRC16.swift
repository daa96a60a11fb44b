/// CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF, no reflection): the header checksum of
/// every STT frame (docs/protocol.md 2.2). A noise filter, never a security decision.
public enum CRC16 {
  public static func of(_ bytes: RawSpan) -> UInt16 {
    bytes.withUnsafeBytes { buffer in
      crc16Table.withUnsafeBufferPointer { table in
        var crc: UInt16 = 0xFFFF
        for byte in buffer { crc = crc << 8 ^ table[Int(crc >> 8 ^ UInt16(byte))] }
        return crc
      }
    }
  }
}

private let crc16Table: [UInt16] = (0..<256).map { byte in
  var crc = UInt16(byte) << 8
  for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
  return crc
}
