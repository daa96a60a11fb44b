import STTWire
import Testing

@Suite struct BundleTests {
  static func read(_ bytes: [UInt8]) throws -> BundledFrame {
    try decode(bytes) { try BundledFrame(&$0) }
  }

  @Test("a head is ten bytes: type, flags, stream, sequence, length")
  func literal() throws {
    let head = BundledFrame(
      type: .data, flags: .wholeMessage, stream: 0x0201, sequence: 0x0605_0403, payloadByteCount: 2)
    let literal: [UInt8] = [0x10, 0b0110, 1, 2, 3, 4, 5, 6, 2, 0]
    #expect(encode { head.write(&$0) } == literal)
    #expect(try Self.read(literal + [8, 9]) == head)
  }

  @Test("its flags are bits 3, 6, 7 and 8 of the header's, as bits 0 to 3; the upper four are refused")
  func flags() throws {
    let meaning: [FrameFlags] = [.priority, .messageBegin, .messageEnd, .parity]
    for packed in UInt8.min...UInt8.max {
      let bytes: [UInt8] = [0x10, packed, 0, 0, 0, 0, 0, 0, 0, 0]
      guard packed < 16 else {
        #expect(throws: WireError.forbiddenFlags(UInt16(packed))) { try Self.read(bytes) }
        continue
      }
      let head = try Self.read(bytes)
      var expected: FrameFlags = []
      for bit in 0..<4 where packed >> UInt8(bit) & 1 == 1 { expected.insert(meaning[bit]) }
      #expect(head.flags == expected)
      #expect(encode { head.write(&$0) } == bytes)
    }
  }

  @Test("a key epoch or an encrypted bit of the header has no place in a bundle")
  func headerFlagsAreDropped() {
    let head = BundledFrame(
      type: .data, flags: FrameFlags(rawValue: 0b1_1111_1010), stream: 1, payloadByteCount: 0)
    #expect(encode { head.write(&$0) }[1] == 0b1111)
  }

  @Test("no bundle in a bundle, no handshake frame, nothing below 0x10; any other type is a frame")
  func types() {
    for type in UInt8.min...UInt8.max {
      let bytes: [UInt8] = [type, 0, 0, 0, 0, 0, 0, 0, 0, 0]
      if type < 0x10 || type == 0x15 {
        #expect(throws: WireError.unexpectedType(type)) { try Self.read(bytes) }
      } else {
        #expect((try? Self.read(bytes))?.type.rawValue == type)
      }
    }
  }

  @Test("a length is taken up to what is left, refused one beyond")
  func length() throws {
    for left in 0..<5 {
      for length in UInt8(0)..<8 {
        let bundle: [UInt8] = [0x10, 0, 0, 0, 0, 0, 0, 0, length, 0] + repeated(1, left)
        #expect(((try? Self.read(bundle)) != nil) == (Int(length) <= left))
      }
    }
    #expect(throws: WireError.truncated) { try Self.read([0x10, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) }
  }

  @Test("frames one after another come out one after another")
  func sequence() throws {
    let bundle = encode { writer in
      for index in 0..<5 {
        BundledFrame(type: .data, stream: UInt16(index), payloadByteCount: index).write(&writer)
        writer.bytes(repeated(UInt8(index), index))
      }
    }
    var reader = ByteReader(bundle.span.bytes)
    for index in 0..<5 {
      let head = try BundledFrame(&reader)
      #expect(head.stream == UInt16(index))
      #expect(try reader.array(Int(head.payloadByteCount)) == repeated(UInt8(index), index))
    }
    let left = reader.left
    #expect(left == 0)
  }
}
