import Testing

@testable import LinuxFile

@Suite struct LineCutterTests {
  @Test func linesOfUpToTheMaximumAreWholeAndLongerOnesCut() {
    #expect(step("abc\nd") == .line(byteCount: 3, consumed: 4, isCut: false))
    #expect(step("abcd\n") == .line(byteCount: 4, consumed: 5, isCut: false))
    #expect(step("abcde\n") == .line(byteCount: 4, consumed: 6, isCut: true))
    #expect(step("abcd\r\n") == .line(byteCount: 4, consumed: 6, isCut: false))
    #expect(step("abcde\r\n") == .line(byteCount: 4, consumed: 7, isCut: true))
    #expect(step("\n") == .line(byteCount: 0, consumed: 1, isCut: false))
  }

  @Test func anUnfinishedLineWaitsUntilItIsTooLong() {
    #expect(step("") == .more)
    #expect(step("abcd\r") == .more)
    #expect(step("abcdef") == .line(byteCount: 4, consumed: 4, isCut: true))
  }

  @Test func theRestOfACutLineIsPassedOver() {
    var cutter = LineCutter(maximumByteCount: 4)
    cutter.take(byteCount: 4, consumed: 4, isCut: true)
    #expect(step("efgh", &cutter) == .skip(4))
    #expect(step("", &cutter) == .more)
    #expect(step("ij\nkl\n", &cutter) == .skip(3))
    #expect(step("kl\n", &cutter) == .line(byteCount: 2, consumed: 3, isCut: false))
  }

  private func step(_ text: String) -> LineCutter.Step {
    var cutter = LineCutter(maximumByteCount: 4)
    return step(text, &cutter)
  }

  private func step(_ text: String, _ cutter: inout LineCutter) -> LineCutter.Step {
    Array(text.utf8).withUnsafeBytes { cutter.next(in: $0) }
  }
}

@Suite struct LengthPrefixTests {
  @Test func everyPrefixIsReadInItsOrder() {
    let bytes: [UInt8] = [1, 2, 3, 4, 5]
    let lengths = LengthPrefix.allCases.map { prefix in bytes.withUnsafeBytes { prefix.length($0) } }
    #expect(lengths == [1, 0x0201, 0x0102, 0x0403_0201, 0x0102_0304])
    for prefix in LengthPrefix.allCases {
      #expect(bytes.prefix(prefix.byteCount - 1).withUnsafeBytes { prefix.length($0) } == nil)
    }
  }

  @Test func theLargestLengthIsANumber() {
    let bytes: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
    #expect(bytes.withUnsafeBytes { LengthPrefix.u32BigEndian.length($0) } == 4_294_967_295)
  }
}

/// A picture with every kind of trap: a thumbnail in a segment, filling, stuffed and restart bytes,
/// two scans.
func jpeg(_ filling: Int, mark: UInt8) -> [UInt8] {
  var bytes: [UInt8] = [0xFF, 0xD8]
  let thumbnail: [UInt8] = [0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0xD9]
  bytes += [0xFF, 0xE1, 0, UInt8(thumbnail.count + 2)] + thumbnail
  bytes += [0xFF, 0xFF, 0xFF, 0xC4, 0, 3, mark]
  bytes += [0xFF, 0xDA, 0, 4, 1, 2, 9, 0xFF, 0x00, 9, 0xFF, 0xD0, 9]
  bytes += Array(repeating: mark, count: filling)
  bytes += [0xFF, 0xC4, 0, 2, 0xFF, 0xDA, 0, 2, 7, 7, 0xFF, 0xFF, 0xD9]
  return bytes
}

@Suite struct JPEGScannerTests {
  @Test func aPictureInEveryPartitionEndsAtItsEnd() {
    let picture = jpeg(3, mark: 5)
    for cut in 2..<picture.count {
      var scanner = JPEGScanner()
      let first = picture[..<cut].withUnsafeBytes { scanner.scan($0) }
      #expect(first == .partial)
      let rest = Array(picture[cut...]) + [0xFF, 0xD8]
      #expect(rest.withUnsafeBytes { scanner.scan($0) } == .picture(picture.count - cut))
      #expect(!scanner.isInPicture)
    }
  }

  @Test func whatIsNoPictureIsGarbage() {
    var scanner = JPEGScanner()
    #expect([UInt8]([1, 2, 3]).withUnsafeBytes { scanner.scan($0) } == .garbage(3))
    #expect([UInt8]([1, 2, 0xFF]).withUnsafeBytes { scanner.scan($0) } == .garbage(2))
    #expect([UInt8]([0xFF]).withUnsafeBytes { scanner.scan($0) } == .garbage(0))
    #expect([UInt8]([9, 0xFF, 0xD8]).withUnsafeBytes { scanner.scan($0) } == .garbage(1))
    #expect([UInt8]([0xFF, 0xD8, 0xFF]).withUnsafeBytes { scanner.scan($0) } == .partial)
  }

  @Test func aSegmentLengthBelowTwoBreaksThePicture() {
    for length: UInt8 in [0, 1] {
      var scanner = JPEGScanner()
      let bytes: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, length, 1]
      #expect(bytes.withUnsafeBytes { scanner.scan($0) } == .broken(5))
      #expect(!scanner.isInPicture)
    }
    var scanner = JPEGScanner()
    let bytes: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 2, 0x11]
    #expect(bytes.withUnsafeBytes { scanner.scan($0) } == .broken(6))
  }
}
