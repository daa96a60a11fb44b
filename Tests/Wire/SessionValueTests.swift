import STTWire
import Testing

/// The literal examples of session frames hold the values they should, and refuse what they must.
@Suite struct SessionValueTests {
  private func example(_ name: String) throws -> [UInt8] {
    try #require(Layout.all.first { $0.description == name }).bytes
  }

  @Test("DATA: a whole message's total is what follows; a part says total and offset")
  func data() throws {
    let whole = try decode(example("DATA, a whole message")) { try DataPrefix(&$0, flags: .wholeMessage) }
    #expect(whole == DataPrefix(message: 0x0123_4567_89AB_CDEF, total: 20, offset: 0))
    for flags: FrameFlags in [[], .messageBegin, .messageEnd] {
      let part = try decode(example("DATA, a part")) { try DataPrefix(&$0, flags: flags) }
      #expect(part == DataPrefix(message: 1, total: 50, offset: 30))
    }
  }

  @Test("a part must lie in its message: offset + bytes = total fits, one more does not, nor does nothing, nor 2^32")
  func partsLieInTheirMessage() {
    func accepts(total: UInt32, offset: UInt32, count: Int) -> Bool {
      let payload = encode {
        $0.u64(1)
        $0.u32(total)
        $0.u32(offset)
        $0.zeros(count)
      }
      return (try? decode(payload) { try DataPrefix(&$0, flags: []) }) != nil
    }
    #expect(accepts(total: 10, offset: 4, count: 6))
    #expect(!accepts(total: 10, offset: 4, count: 7))
    #expect(!accepts(total: 10, offset: 10, count: 1))
    #expect(!accepts(total: 10, offset: 4, count: 0))
    #expect(!accepts(total: 0, offset: 0, count: 0))
    #expect(!accepts(total: 10, offset: .max, count: 2), "the sum wraps in 32 bits")
    #expect(accepts(total: 16 << 20, offset: (16 << 20) - 1, count: 1))
    #expect(!accepts(total: (16 << 20) + 1, offset: 0, count: 1))
  }

  @Test("message numbers below 2^62 are taken, 2^62 and above refused, wherever they stand")
  func numberLimit() {
    let limit: UInt64 = 1 << 62
    #expect(DataPrefix.numberLimit == limit)
    for (number, isGood) in [(0, true), (limit - 1, true), (limit, false), (limit + 1, false), (.max, false)] {
      let le = encode { $0.u64(number) }
      #expect(takes { _ = try DataPrefix(&$0, flags: .wholeMessage) }(le) == isGood)
      #expect(takes { _ = try DataPrefix(&$0, flags: []) }(le + [1, 0, 0, 0, 0, 0, 0, 0, 9]) == isGood)
      #expect(takes { _ = try StreamAck(&$0) }(le + repeated(0, 12)) == isGood)
      let most = encode { $0.u64(limit - 1) }
      #expect(takes { _ = try StreamAck(&$0) }(most + repeated(0, 4) + le) == isGood)
      #expect(takes { _ = try Skip(&$0) }(le + [1]) == isGood)
      #expect(takes { _ = try StreamEnd(&$0) }([0] + le) == isGood)
      var open = StreamOpenTests.example
      open.firstMessage = number
      let openBytes = open.bytes
      #expect(takes { _ = try StreamOpen(&$0) }(openBytes) == isGood)
    }
  }

  private func takes(_ parse: @escaping (inout ByteReader) throws -> Void) -> ([UInt8]) -> Bool {
    { (try? decode($0, parse)) != nil }
  }

  @Test("ACK of a stream: nothing is durable that was not delivered; a chain head has 32 bytes or none")
  func streamAck() throws {
    let plain = try decode(example("ACK of a stream")) { try StreamAck(&$0) }
    #expect(plain == StreamAck(delivered: 5, window: 1 << 20, durable: 4))
    let anchored = try decode(example("ACK of a stream, with a chain head")) { try StreamAck(&$0) }
    #expect(anchored == StreamAck(delivered: 5, window: 1 << 20, durable: 5, chainHead: RecordingHead(repeated(0xCC, 32))))
    let ahead = encode { StreamAck(delivered: 5, window: 0, durable: 6).write(&$0) }
    #expect(throws: WireError.invalidValue) { try decode(ahead) { try StreamAck(&$0) } }
  }

  @Test("NACK names 1 to 64 packets; 0 and 65 are refused")
  func nack() throws {
    #expect(
      try decode(example("NACK")) { try Nack(&$0) }
        == Nack(packets: [9, 0x8000_0000_0000_000B]))
    for count in [1, 64] {
      let nack = Nack(packets: (0..<count).map { UInt64($0) })
      let written = encode { nack.write(&$0) }
      #expect(try decode(written) { try Nack(&$0) } == nack)
    }
    for count in [0, 65] {
      let written = encode { Nack(packets: (0..<count).map { UInt64($0) }).write(&$0) }
      #expect(throws: WireError.invalidValue) { try decode(written) { try Nack(&$0) } }
    }
  }

  @Test("KEEP_ALIVE, its answer, SKIP, the end of a stream, closing and error hold their fields in order")
  func smallFrames() throws {
    let keepAlive = try decode(example("KEEP_ALIVE")) { try KeepAlive(&$0) }
    #expect(keepAlive.token == 0x0807_0605_0403_0201)
    #expect(keepAlive.sent == MessageTime(monotonicNanoseconds: 16, wallNanoseconds: 32))
    let answer = try decode(example("KEEP_ALIVE_ACK")) { try KeepAliveAck(&$0) }
    #expect(answer.token == 0x0807_0605_0403_0201)
    #expect(answer.sent == MessageTime(monotonicNanoseconds: 1, wallNanoseconds: 2))
    #expect(answer.received == MessageTime(monotonicNanoseconds: 3, wallNanoseconds: 4))
    #expect(answer.repliedMonotonicNanoseconds == 5)
    #expect(
      try decode(example("SKIP")) { try Skip(&$0) }
        == Skip(upTo: 123_456_789, reason: Skip.Reason.overflow.rawValue))
    #expect(
      try decode(example("STREAM_FIN")) { try StreamEnd(&$0) }
        == StreamEnd(reason: 1, end: 123_456_789))
    #expect(
      try decode(example("SESSION_CLOSE")) { try SessionClose(&$0) }
        == SessionClose(reason: CloseReason.shutdown.rawValue, text: "bye"))
    #expect(
      try decode(example("ERROR")) { try ErrorFrame(&$0) }
        == ErrorFrame(code: 0x0201, text: "no"))
  }

  @Test("a closing text has at most 128 bytes and is UTF-8")
  func closingText() {
    for (text, error) in [(repeated(0x61, 129), WireError.trailingBytes), ([0xC3], .notUTF8), ([0xFF, 0x61], .notUTF8)] {
      #expect(throws: error) { try decode([0] + text) { try SessionClose(&$0) } }
      #expect(throws: error) { try decode([0, 0] + text) { try ErrorFrame(&$0) } }
    }
  }

  @Test("a text too long is cut between characters, so that what is written can be read", arguments: ["a", "é", "€", "𝄞"])
  func longTextIsCut(character: String) throws {
    for lead in 0..<4 {
      let text = String(repeating: "x", count: lead) + String(repeating: character, count: 200)
      let written = encode { SessionClose(reason: 1, text: text).write(&$0) }
      let read = try decode(written) { try SessionClose(&$0) }
      #expect(text.hasPrefix(read.text))
      #expect(read.text.utf8.count <= 128 && read.text.utf8.count > 128 - character.utf8.count)
      let error = encode { ErrorFrame(code: 1, text: text).write(&$0) }
      #expect(try decode(error) { try ErrorFrame(&$0) }.text == read.text)
    }
  }

  @Test("key frames: sizes of X25519 and ML-KEM-768, algorithms 1 to 3, phases 0 to 2")
  func keyFrames() throws {
    let offer = try decode(example("REKEY_OFFER")) { try RekeyOffer(&$0) }
    #expect(offer == RekeyOffer(ephemeral: repeated(1, 32), kemPublicKey: repeated(2, 1184)))
    let accept = try decode(example("REKEY_ACCEPT")) { try RekeyAccept(&$0) }
    #expect(accept == RekeyAccept(ephemeral: repeated(1, 32), kemCiphertext: repeated(2, 1088)))
    for algorithms in UInt8.min...UInt8.max {
      let frame = [algorithms, 32, 0] + repeated(1, 32) + repeated(2, 64)
      let taken = (try? decode(frame) { try IdentityFrame(&$0) }) != nil
      #expect(taken == (1...3).contains(algorithms))
      let update = [algorithms, 2, 0, 0, 0] + (algorithms == 0 ? repeated(7, 36) : algorithms == 2 ? [4] : [])
      let updated = (try? decode(update) { try SeedUpdate(&$0) }) != nil
      #expect(updated == (algorithms <= 2))
    }
    for (count, isGood) in [(31, false), (32, true), (1984, true), (1985, false)] {
      let frame = encode { IdentityFrame(algorithms: 3, key: repeated(1, count), signature: repeated(2, 64)).write(&$0) }
      let taken = (try? decode(frame) { try IdentityFrame(&$0) }) != nil
      #expect(taken == isGood, "a key of \(count) bytes")
    }
  }
}
