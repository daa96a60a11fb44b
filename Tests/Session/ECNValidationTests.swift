import STTWire
import Testing

@testable import STTSession

@Suite struct ECNValidationTests {
  private let now = MonotonicTime(nanoseconds: 1_000_000_000)

  private func mark(_ ecn: inout ECNValidation, _ count: Int, at time: MonotonicTime) -> Int {
    (0..<count).filter { _ in ecn.next(time) == .capable0 }.count
  }

  @Test("ten packets are marked, and no more before their counts came back")
  func testing() {
    var ecn = ECNValidation()
    #expect(mark(&ecn, 50, at: now) == 10)
    #expect(!ecn.isCapable)
    #expect(ecn.acknowledged(marked: 3, ECNCounts(capable0: 3)) == 0)
    #expect(ecn.isCapable)
    #expect(mark(&ecn, 50, at: now) == 50)
  }

  @Test("congestion marks are told once, also those of packets given up before")
  func congestion() {
    var ecn = ECNValidation()
    _ = mark(&ecn, 10, at: now)
    #expect(ecn.acknowledged(marked: 4, ECNCounts(capable0: 4, congestion: 1)) == 1)
    #expect(ecn.acknowledged(marked: 5, ECNCounts(capable0: 6, congestion: 4)) == 3)
    #expect(ecn.acknowledged(marked: 0, ECNCounts(capable0: 6, congestion: 4)) == 0)
    #expect(ecn.isCapable)
  }

  @Test(
    "counts that can't be true end marking",
    arguments: [
      nil, ECNCounts(), ECNCounts(capable0: 4), ECNCounts(capable1: 5), ECNCounts(capable0: 5, capable1: 1),
      ECNCounts(capable0: 11), ECNCounts(congestion: 11), ECNCounts(capable0: .max, congestion: .max),
      ECNCounts(capable0: .max), ECNCounts(capable0: 1, congestion: .max), ECNCounts(capable1: .max),
    ])
  func nonsense(counts: ECNCounts?) {
    var ecn = ECNValidation()
    _ = mark(&ecn, 10, at: now)
    #expect(ecn.acknowledged(marked: 5, counts) == 0)
    #expect(!ecn.isCapable)
    #expect(mark(&ecn, 50, at: now + .seconds(100_000)) == 0)
    ecn.restart()
    #expect(mark(&ecn, 50, at: now) == 10)
  }

  @Test("counts that fall end marking")
  func falling() {
    var ecn = ECNValidation()
    _ = mark(&ecn, 10, at: now)
    _ = ecn.acknowledged(marked: 5, ECNCounts(capable0: 4, congestion: 2))
    #expect(ecn.isCapable)
    _ = ecn.acknowledged(marked: 0, ECNCounts(capable0: 6, congestion: 1))
    #expect(!ecn.isCapable)
  }

  @Test("a path that marks everything as congested is not believed")
  func allCongested() {
    var ecn = ECNValidation()
    _ = mark(&ecn, 10, at: now)
    #expect(ecn.acknowledged(marked: 5, ECNCounts(congestion: 5)) == 5)
    #expect(ecn.acknowledged(marked: 5, ECNCounts(congestion: 10)) == 0)
    #expect(mark(&ecn, 50, at: now) == 0)
  }

  @Test("where marked packets vanish, three tries are made, apart from one another")
  func blackHole() {
    var ecn = ECNValidation()
    var time = now
    for _ in 0..<2 {
      #expect(mark(&ecn, 20, at: time) == 10)
      for _ in 0..<10 { ecn.lost(time) }
      #expect(mark(&ecn, 20, at: time) == 0)
      time = time + .seconds(3)
    }
    #expect(mark(&ecn, 20, at: time) == 10)
    ecn.probeTimeout(count: 1, time)
    #expect(mark(&ecn, 20, at: time + .seconds(100_000)) == 0)
  }

  @Test("on a new path the test begins anew, and the peer's counts go on")
  func newPath() {
    var ecn = ECNValidation()
    _ = mark(&ecn, 10, at: now)
    _ = ecn.acknowledged(marked: 8, ECNCounts(capable0: 8))
    ecn.restart()
    #expect(!ecn.isCapable)
    #expect(mark(&ecn, 50, at: now) == 10)
    // Two of the old path came late.
    _ = ecn.acknowledged(marked: 10, ECNCounts(capable0: 20))
    #expect(ecn.isCapable)
  }
}
