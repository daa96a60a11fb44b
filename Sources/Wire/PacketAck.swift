/// ACK on stream 0: which packets arrived (docs/protocol.md 2.2).
///
/// `largest u64 | delay_us u32 | base u64 | bit count u16 | bitmap | [ECN counts 24]`. Bit i, counted from the least
/// significant bit of the first byte, says whether packet `base + i` arrived. Nothing is said of
/// packets before `base`.
public struct PacketAck: ~Escapable {
  /// Bits an ACK may carry.
  public static let mostBits = 2048
  public static let headByteCount = 22

  public let largest: UInt64
  /// Microseconds between the arrival of `largest` and this ACK.
  public let delayMicroseconds: UInt32
  public let base: UInt64
  public let bitCount: Int
  private let bitmap: RawSpan
  /// What arrived with which mark; `nil`: nothing was marked.
  public let ecn: ECNCounts?

  @_lifetime(copy reader)
  public init(_ reader: inout ByteReader) throws(WireError) {
    largest = try reader.u64()
    delayMicroseconds = try reader.u32()
    base = try reader.u64()
    bitCount = Int(try reader.u16())
    guard bitCount > 0, bitCount <= Self.mostBits, base <= largest,
      largest - base == UInt64(bitCount - 1)
    else { throw .invalidValue }
    bitmap = try reader.span((bitCount + 7) / 8)
    ecn = reader.left == 0 ? nil : try ECNCounts(&reader)
    guard reader.left == 0 else { throw .trailingBytes }
  }

  public var wordCount: Int { (bitCount + 63) / 64 }

  /// Bits `64 * index` and on, those past the end zero.
  public func word(_ index: Int) -> UInt64 {
    let start = index * 8
    let available = min(8, bitmap.byteCount - start)
    guard index >= 0, available > 0 else { return 0 }
    var word: UInt64 = 0
    if available == 8 {
      word = UInt64(littleEndian: bitmap.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self))
    } else {
      for byte in 0..<available {
        word |= UInt64(bitmap.unsafeLoad(fromByteOffset: start + byte, as: UInt8.self)) << UInt64(8 * byte)
      }
    }
    let bits = bitCount - index * 64
    return bits >= 64 ? word : word & (1 << UInt64(bits) &- 1)
  }
}
