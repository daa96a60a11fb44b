import STTWire
import Testing

@Suite struct ByteReaderTests {
  @Test("reads little-endian, in order, at any alignment")
  func littleEndian() throws {
    let bytes = (0..<16).map { UInt8($0) }
    var reader = ByteReader(bytes.span.bytes)
    #expect(try reader.u8() == 0)
    #expect(try reader.u16() == 0x0201)
    #expect(try reader.u32() == 0x0605_0403)
    #expect(try reader.u64() == 0x0E0D_0C0B_0A09_0807)
    let (offset, left) = (reader.offset, reader.left)
    #expect(offset == 15 && left == 1)
  }

  @Test("a read that needs more than is left fails and moves nothing")
  func failsInPlace() {
    for left in 0..<8 {
      let given = repeated(9, left)
      var reader = ByteReader(given.span.bytes)
      var failures = 0
      do { _ = try reader.u64() } catch { failures += error == .truncated ? 1 : 0 }
      if left < 4 { do { _ = try reader.u32() } catch { failures += 1 } }
      if left < 2 { do { _ = try reader.u16() } catch { failures += 1 } }
      if left < 1 { do { _ = try reader.u8() } catch { failures += 1 } }
      do { _ = try reader.array(left + 1) } catch { failures += 1 }
      do { _ = try reader.array(-1) } catch { failures += 1 }
      do { _ = try reader.array(.max) } catch { failures += 1 }
      #expect(failures == 4 + (left < 4 ? 1 : 0) + (left < 2 ? 1 : 0) + (left < 1 ? 1 : 0))
      let still = reader.left
      #expect(still == left)
      let rest = reader.rest().byteCount
      #expect(rest == left)
    }
  }

  @Test("a writer stops at the end of its memory, remembers that, and leaves what lies behind alone")
  func writerStops() {
    for room in 0..<16 {
      var memory = repeated(0xEE, 32)
      let (count, overflowed) = memory.withUnsafeMutableBytes { buffer in
        var writer = ByteWriter(unsafe: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<room]))
        writer.u32(0x0403_0201)
        writer.u8(5)
        writer.zeros(3)
        writer.u64(0x1615_1413_1211_100F)
        return (writer.count, writer.overflowed)
      }
      #expect(overflowed == (room < 16))
      #expect(count <= room)
      #expect(memory[room...].allSatisfy { $0 == 0xEE }, "room for \(room)")
    }
  }

  @Test("a writer without memory overflows instead of trapping")
  func noMemory() {
    var writer = ByteWriter(unsafe: UnsafeMutableRawBufferPointer(start: nil, count: 0))
    writer.bytes([])
    let before = writer.overflowed
    writer.u8(1)
    let after = writer.overflowed
    #expect(!before && after)
  }
}
