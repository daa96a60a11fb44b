import STTWire
import Testing

@testable import STC

@Suite struct PacketProtectionTests {
  typealias Sealer = PacketSealer<InPlaceEngine>
  typealias Opener = PacketOpener<InPlaceEngine>

  static func secret() -> TrafficSecret { TrafficSecret(Secret(bytes: (0..<32).map { UInt8($0) })) }

  static func packet(_ sealer: inout Sealer, _ text: [UInt8]) -> [UInt8] {
    var datagram = [UInt8](repeating: 0, count: SealedDatagram.overheadByteCount + text.count)
    let header = FrameHeader(
      type: .data, session: SessionID(rawValue: 5), stream: 1, payloadByteCount: datagram.count - FrameHeader.byteCount)
    datagram.withUnsafeMutableBytes { buffer in
      text.withUnsafeBytes { body in _ = sealer.seal(unsafe: buffer, header: header, prefix: 0, body: body) }
    }
    return datagram
  }

  static func take(_ opener: inout Opener, _ datagram: [UInt8]) throws -> (Opener.Outcome, [UInt8]) {
    var copy = datagram
    let header = try FrameHeader(datagram: datagram.span.bytes)
    let outcome = copy.withUnsafeMutableBytes { opener.open(unsafe: $0, header: header) }
    if case .opened(let number) = outcome { opener.accept(number) }
    return (outcome, Array(copy[SealedDatagram.additionalByteCount..<copy.count - SealedDatagram.tagByteCount]))
  }

  @Test("a packet opens once; the same again is a replay", arguments: STC.Suite.allCases)
  func opensOnce(suite: STC.Suite) throws {
    var sealer = Sealer(Self.secret(), suite: suite)
    var opener = Opener(Self.secret(), suite: suite)
    let datagram = Self.packet(&sealer, [1, 2, 3])
    let first = try Self.take(&opener, datagram)
    #expect(first.0 == .opened(packetNumber: 0))
    #expect(first.1 == [1, 2, 3])
    #expect(try Self.take(&opener, datagram).0 == .replayed)
  }

  @Test("packet numbers go on beyond 2^32 and end before 2^62; each opens once", arguments: STC.Suite.allCases)
  func numbersDoNotWrap(suite: STC.Suite) throws {
    for start in [UInt64(1) << 32, 1 << 62] {
      var sealer = Sealer(Self.secret(), suite: suite)
      var opener = Opener(Self.secret(), suite: suite)
      let isSkipped = sealer.skip(to: start - 3)
      #expect(isSkipped)
      var datagrams: [[UInt8]] = []
      for index in 0..<6 as Range<UInt64> {
        let datagram = Self.packet(&sealer, [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(try Self.take(&opener, datagram).0 == .opened(packetNumber: start - 3 + index))
        datagrams.append(datagram)
      }
      for datagram in datagrams { #expect(try Self.take(&opener, datagram).0 == .replayed) }
      // The same bytes never give the same ciphertext.
      #expect(Set(datagrams.map { Array($0[SealedDatagram.additionalByteCount...]) }).count == 6)
      let (goesBack, goesBeyond) = (sealer.skip(to: start - 3), sealer.skip(to: 1 << 62))
      #expect(!goesBack && !goesBeyond)
    }
  }

  @Test("ten ratchets, twice around the two epoch bits; a straggler of the last epoch still opens, an older one not")
  func ratchets() throws {
    var sealer = Sealer(Self.secret(), suite: .aes256GCM)
    var opener = Opener(Self.secret(), suite: .aes256GCM)
    var stragglers: [[UInt8]] = []
    for epoch in 0..<10 {
      stragglers.append(Self.packet(&sealer, [UInt8(epoch), 0xEE]))
      let datagram = Self.packet(&sealer, [UInt8(epoch)])
      let taken = try Self.take(&opener, datagram)
      #expect(taken.0 == .opened(packetNumber: UInt64(epoch * 2 + 1)))
      #expect(taken.1 == [UInt8(epoch)])
      if epoch >= 1 {
        #expect(try Self.take(&opener, stragglers[epoch - 1]).0 == .opened(packetNumber: UInt64(epoch * 2 - 2)))
      }
      sealer.ratchet()
    }
    opener.forgetPrevious()
    #expect(try Self.take(&opener, stragglers[9]).0 == .opened(packetNumber: 18))
  }

  @Test("a forged packet is refused and does not use up its number")
  func forgeryLeavesTheNumber() throws {
    var sealer = Sealer(Self.secret(), suite: .chaCha20Poly1305)
    var opener = Opener(Self.secret(), suite: .chaCha20Poly1305)
    let datagram = Self.packet(&sealer, [7])
    var forged = datagram
    forged[forged.count - 1] ^= 1
    #expect(try Self.take(&opener, forged).0 == .forged)
    #expect(try Self.take(&opener, datagram).0 == .opened(packetNumber: 0))
  }

  @Test("a key epoch two ahead is nobody's")
  func unknownEpoch() throws {
    var sealer = Sealer(Self.secret(), suite: .aes256GCM)
    sealer.ratchet()
    sealer.ratchet()
    var opener = Opener(Self.secret(), suite: .aes256GCM)
    #expect(try Self.take(&opener, Self.packet(&sealer, [1])).0 == .unknownEpoch)
  }

  @Test("weak seeds are refused: wrong length, equal bytes, text, few distinct bytes")
  func weakSeeds() {
    #expect(throws: Seed.Weakness.wrongLength(31)) { try Seed(bytes: [UInt8](repeating: 1, count: 31)) }
    #expect(throws: Seed.Weakness.allBytesEqual) { try Seed(bytes: [UInt8](repeating: 0, count: 32)) }
    #expect(throws: Seed.Weakness.printableText) {
      try Seed(bytes: Array("correct-horse-battery-staple-1234".utf8.prefix(32)))
    }
    #expect(throws: Seed.Weakness.tooFewDistinctBytes(7)) { try Seed(bytes: (0..<32).map { UInt8($0 % 7) }) }
  }
}
