/// CRC-32 as zlib, Ethernet and MCAP use it (ISO 3309: polynomial 0xEDB88320 reflected, start and
/// final XOR all ones). A noise filter, never a security decision.
public struct CRC32: Sendable, Equatable {
  private var state: UInt32 = 0xFFFF_FFFF

  public init() {}

  /// Goes on after bytes whose checksum is `value`.
  public init(after value: UInt32) { state = ~value }

  /// The checksum of everything given so far.
  public var value: UInt32 { ~state }

  /// Takes in more bytes, eight at a time by Intel's slicing-by-8.
  public mutating func update(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { update(unsafe: $0) }
  }

  public mutating func update(unsafe bytes: UnsafeRawBufferPointer) {
    guard var cursor = bytes.baseAddress else { return }
    var left = bytes.count
    var crc = state
    crc32Tables.withUnsafeBufferPointer { table in
      while left >= 8 {
        let low = UInt32(littleEndian: cursor.loadUnaligned(as: UInt32.self)) ^ crc
        let high = UInt32(littleEndian: cursor.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        crc =
          table[1792 + Int(low & 0xFF)] ^ table[1536 + Int(low >> 8 & 0xFF)]
          ^ table[1280 + Int(low >> 16 & 0xFF)] ^ table[1024 + Int(low >> 24)]
          ^ table[768 + Int(high & 0xFF)] ^ table[512 + Int(high >> 8 & 0xFF)]
          ^ table[256 + Int(high >> 16 & 0xFF)] ^ table[Int(high >> 24)]
        cursor += 8
        left -= 8
      }
      while left > 0 {
        crc = crc >> 8 ^ table[Int((crc ^ UInt32(cursor.load(as: UInt8.self))) & 0xFF)]
        cursor += 1
        left -= 1
      }
    }
    state = crc
  }

  public static func of(_ bytes: RawSpan) -> UInt32 {
    var crc = CRC32()
    crc.update(bytes)
    return crc.value
  }
}

/// Eight tables of 256: table k advances a byte that is followed by k others.
private let crc32Tables: [UInt32] = {
  var tables = [UInt32](repeating: 0, count: 8 * 256)
  for byte in 0..<256 {
    var crc = UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    tables[byte] = crc
  }
  for byte in 0..<256 {
    for k in 1..<8 {
      let previous = tables[(k - 1) * 256 + byte]
      tables[k * 256 + byte] = previous >> 8 ^ tables[Int(previous & 0xFF)]
    }
  }
  return tables
}()
