import STTWire
import Testing

@testable import STTSession

/// The ring against plain sets, from its smallest size through several growths.
@Suite struct SentPacketsTests {
  private func packet() -> SentPacket {
    SentPacket(sent: MonotonicTime(nanoseconds: 1), byteCount: 100, content: .fragment)
  }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func theRingKnowsWhatIsUnresolvedAndWhatWasGivenUp(seed: UInt64) {
    // Knuth's linear congruential generator (MMIX); its upper bits.
    var state = seed
    func random(_ bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
    var sent = SentPackets()
    var unresolved: Set<UInt64> = []
    var given: Set<UInt64> = []
    var end: UInt64 = 0
    for step in 0..<4_000 {
      // How many are on their way goes up and down.
      let most: UInt64 = [3, 7, 20, 200][Int(step / 1_000)]
      if unresolved.count < most, random(3) > 0 {
        let isEliciting = random(8) > 0
        sent.append(isEliciting ? packet() : nil)
        if isEliciting { unresolved.insert(end) }
        end += 1
      } else if let number = unresolved.sorted().dropFirst(Int(random(4))).first {
        sent.resolve(number)
        unresolved.remove(number)
        if random(4) == 0 {
          sent.noteLost(number)
          given.insert(number)
        }
        sent.advance()
      }
      let (sentStart, sentEnd, count) = (sent.start, sent.end, sent.unresolvedCount)
      #expect(sentEnd == end)
      #expect(sentStart == unresolved.min() ?? end)
      #expect(count == unresolved.count)
      let isKnown = unresolved.allSatisfy { sent.isUnresolved($0) }
      #expect(isKnown)
      for number in stride(from: sentStart & ~63, to: end, by: 64) {
        let expected = unresolved.filter { number <= $0 && $0 < number + 64 }.reduce(0 as UInt64) { $0 | 1 << ($1 - number) }
        let word = sent.unresolvedWord(from: number)
        #expect(word == expected)
      }
      if random(50) == 0, end > 0 {
        let base = (end - 1) & ~63
        // All those of the newest word are remembered at any size.
        let late = given.filter { $0 >= base }.min()
        // A peer names nothing that was not sent.
        let found = sent.takeLate(.max >> (63 - (end - 1 - base)), from: base)
        #expect(found == late)
        given = given.filter { $0 < base }
      }
    }
  }
}
