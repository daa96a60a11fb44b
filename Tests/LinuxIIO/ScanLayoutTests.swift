import Testing

@testable import LinuxIIO

@Suite struct ScanLayoutTests {
  private func layout(_ texts: String...) throws -> ScanLayout {
    ScanLayout(try texts.map { try #require(ScanElement($0)) })
  }

  @Test func eachChannelLiesAtAMultipleOfItsSizeAndTheWholeIsPadded() throws {
    let layout = try layout("le:s8/8>>0", "le:s16/16>>0", "le:s8/8>>0", "le:s64/64>>0")
    #expect(layout.places.map(\.offset) == [0, 2, 4, 8])
    #expect(layout.byteCount == 16)
  }

  @Test func aScanWithoutTimeIsPaddedToItsLargestChannel() throws {
    #expect(try layout("le:s16/16>>0", "le:s8/8>>0").byteCount == 4)
    #expect(try layout("le:s8/8>>0", "le:s8/8>>0", "le:s8/8>>0").byteCount == 3)
    #expect(try layout("le:s32/32>>0", "le:s8/8>>0").byteCount == 8)
  }

  @Test func valuesThatRepeatAreAlignedAsOne() throws {
    let layout = try layout("le:s16/16>>0", "le:s16/16X4>>0", "le:s64/64>>0")
    #expect(layout.places.map(\.offset) == [0, 8, 16])
    #expect(layout.byteCount == 24)
  }

  @Test func theDummyDriversScanIsRead() throws {
    let layout = try layout("le:u13/16>>0", "le:s12/16>>0", "le:s11/16>>0", "le:s16/16>>0", "le:s64/64>>0")
    let scan: [UInt8] = [7, 0, 0xDF, 0xFF, 0xFE, 0xFF, 0x58, 0x01, 0x15, 0xCD, 0x5B, 0x07, 0, 0, 0, 0]
    #expect(layout.byteCount == scan.count)
    scan.withUnsafeBytes { scan in
      #expect((0..<4).map { layout.real($0, in: scan) } == [7, -33, -2, 344])
      #expect(layout.whole(4, in: scan) == 123_456_789)
    }
  }
}
