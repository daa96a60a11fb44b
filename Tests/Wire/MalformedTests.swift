import STTWire
import Testing

/// What holds for every layout there is, exhaustively around one example of each and at random.
@Suite struct MalformedTests {
  @Test("comes back byte for byte", arguments: Layout.all)
  func roundTrips(layout: Layout) throws {
    #expect(try layout.again(layout.bytes) == layout.bytes)
    #expect(layout.accepts(layout.bytes.count))
  }

  @Test("is refused at every other length, cut or followed by more", arguments: Layout.all)
  func everyLength(layout: Layout) {
    for length in 0...layout.bytes.count + 1300 {
      // 0x41 is a letter and no continuation, so that text stays text.
      let given =
        Array(layout.bytes.prefix(length)) + repeated(0x41, max(0, length - layout.bytes.count))
      let taken = (try? layout.again(given)) != nil
      #expect(taken == layout.accepts(length), "\(length) bytes of \(layout.bytes.count)")
    }
  }

  @Test("survives any one byte of it having any value", arguments: Layout.all)
  func everyByteValue(layout: Layout) {
    for index in layout.bytes.indices where index < 80 || index % 37 == 0 {
      for value in UInt8.min...UInt8.max {
        var changed = layout.bytes
        changed[index] = value
        expectCanonical(layout, changed)
      }
    }
  }

  @Test("survives random bytes and random damage, and means one thing only", arguments: Layout.all)
  func random(layout: Layout) {
    var random = SplitMix(state: UInt64(layout.bytes.count) << 8 ^ UInt64(layout.description.utf8.count))
    for round in 0..<6000 {
      var given: [UInt8]
      if round % 2 == 0 {
        given = layout.bytes
        for _ in 0...Int(random.next() % 8) where !given.isEmpty {
          given[Int(random.next() % UInt64(given.count))] = UInt8(truncatingIfNeeded: random.next())
        }
        if random.next() % 4 == 0 { given = Array(given.prefix(Int(random.next() % UInt64(given.count + 1)))) }
      } else {
        let length = Int(random.next() % UInt64(layout.bytes.count + 40))
        given = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next() >> 13) }
      }
      expectCanonical(layout, given)
    }
  }

  /// Bytes that were taken are the bytes that would be written: no two byte strings, one meaning.
  private func expectCanonical(_ layout: Layout, _ given: [UInt8]) {
    guard let again = try? layout.again(given) else { return }
    if layout.isCanonical && again != given { Issue.record("\(layout): \(given) came back as \(again)") }
  }

  @Test("random datagrams never trap, whatever part of the frame is right")
  func randomDatagrams() {
    var random = SplitMix(state: 2024)
    var taken = 0
    for round in 0..<200_000 {
      let length = Int(random.next() % 80)
      var datagram = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next() >> 7) }
      // A fifth is random altogether; the others pass one check more each.
      if round % 5 > 0, length > 0 { datagram[0] = 1 }
      if round % 5 > 1, length >= 24 {
        datagram[2] &= 0b1111_1010
        datagram[3] &= 1
        let payload = length - 24 - (1...4 ~= datagram[1] ? 4 : 0)
        for index in 0..<4 { datagram[18 + index] = UInt8(truncatingIfNeeded: payload >> (8 * index)) }
      }
      if round % 5 > 2, length >= 24 { FrameHeaderTests.mendChecksum(&datagram) }
      guard let header = try? FrameHeader(datagram: datagram.span.bytes) else { continue }
      taken += 1
      #expect(datagram.count - 24 - (header.type.isHandshake ? 4 : 0) == Int(header.payloadByteCount))
      _ = try? HandshakeDatagram.payload(of: datagram.span.bytes, header: header)
    }
    #expect(taken > 10_000, "the generator gets past the header often enough to mean something")
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
