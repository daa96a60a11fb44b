import STC
import Testing

@Suite struct ReplayWindowTests {
  @Test("against a set of everything seen: accepts what is new and near, refuses what is seen or old", arguments: 0..<20)
  func agreesWithAModel(seed: UInt64) {
    var random = Seeded(state: seed)
    var window = ReplayWindow(bitCount: 1024)
    var seen: Set<UInt64> = []
    var highest: UInt64 = 0
    for step in 0..<20_000 {
      let jump: UInt64 = step % 500 == 499 ? random.next() % 5000 : random.next() % 4
      let number = random.next() % 3 == 0 ? highest &+ jump : highest &- min(highest, random.next() % 1200)
      let isOld = !seen.isEmpty && highest >= number && highest - number >= window.span
      let accepts = window.accepts(number)
      #expect(accepts == (!seen.contains(number) && !isOld), "seed \(seed), step \(step), number \(number)")
      if accepts {
        window.mark(number)
        seen.insert(number)
        highest = max(highest, number)
      }
    }
  }

  @Test("the oldest number still known is span behind the newest; one older is refused")
  func boundary() {
    var window = ReplayWindow(bitCount: 2048)
    window.mark(10_000)
    let (oldestKnown, tooOld) = (window.accepts(10_001 - window.span), window.accepts(10_000 - window.span))
    #expect(oldestKnown)
    #expect(!tooOld)
  }

  @Test("the last packet number there is, is never accepted")
  func lastNumberIsRefused() {
    let window = ReplayWindow()
    let (last, lastButOne) = (window.accepts(.max), window.accepts(.max - 1))
    #expect(!last)
    #expect(lastButOne)
  }
}

struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
