import Testing

@testable import LinuxIIO

@Suite struct ScanElementTests {
  @Test func theKernelsOwnTextsAreRead() throws {
    let element = try #require(ScanElement("be:s12/16X3>>4"))
    #expect(element.isBigEndian)
    #expect(element.isSigned)
    #expect(element.bitCount == 12)
    #expect(element.byteCount == 2)
    #expect(element.repeatCount == 3)
    #expect(element.shift == 4)
    for text in ["le:u13/16>>0", "le:s64/64>>0", "be:u24/32>>8", "le:s8/8>>0", "le:u1/64>>63"] {
      #expect(ScanElement(text) != nil, "\(text)")
    }
  }

  @Test(arguments: [
    "", "le", "le:", "xe:s8/8>>0", "le:x8/8>>0", "le:s/8>>0", "le:s8>>0", "le:s8/8", "le:s8/8>>", "le:s9/8>>0",
    "le:s8/8>>1", "le:s0/8>>0", "le:s8/12>>0", "le:s8/8X0>>0", "le:s8/8X17>>0", "le:s8/8X2X2>>0", "le:s8/8>>-1",
    "le:s99999999999999999999/8>>0", "le:s8/8>>0 ", "le:s12/16X>>0",
  ])
  func anythingElseIsRefused(text: String) {
    #expect(ScanElement(text) == nil)
  }

  /// Every size, width, shift, order and sign, with the smallest, the largest and an odd value in between.
  @Test func everyLayoutGivesBackWhatWasPutIn() throws {
    for storage in [8, 16, 32, 64] {
      for bits in 1...storage {
        for shift in 0...(storage - bits) {
          for isBigEndian in [false, true] {
            for isSigned in [false, true] {
              let text = "\(isBigEndian ? "be" : "le"):\(isSigned ? "s" : "u")\(bits)/\(storage)>>\(shift)"
              let element = try #require(ScanElement(text))
              for value in Self.values(bits: bits, isSigned: isSigned) {
                let bytes = Self.bytes(value, bits: bits, shift: shift, storage: storage, isBigEndian)
                let found = bytes.withUnsafeBytes { element.whole($0) }
                guard found == value else {
                  Issue.record("\(text): \(value) came back as \(found)")
                  return
                }
              }
            }
          }
        }
      }
    }
  }

  @Test func anUnsignedNumberOf64BitsIsNotNegative() throws {
    let element = try #require(ScanElement("le:u64/64>>0"))
    #expect([UInt8](repeating: 0xFF, count: 8).withUnsafeBytes { element.real($0) } == 0x1p64)
  }

  private static func values(bits: Int, isSigned: Bool) -> [Int64] {
    let ones = UInt64.max >> UInt64(64 - bits)
    if isSigned {
      let largest = Int64(bitPattern: ones >> 1)
      return [0, -1, largest, -largest - 1, largest / 3, -largest / 3]
    }
    return [0, 1, Int64(bitPattern: ones), Int64(bitPattern: ones / 3)]
  }

  /// The value's bits with ones all around them, which must not get into it.
  private static func bytes(_ value: Int64, bits: Int, shift: Int, storage: Int, _ isBigEndian: Bool) -> [UInt8] {
    let mask = (UInt64.max >> UInt64(64 - bits)) << UInt64(shift)
    let word = (UInt64(bitPattern: value) << UInt64(shift)) & mask | ~mask
    let little = (0..<storage / 8).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) }
    return isBigEndian ? little.reversed() : little
  }
}
