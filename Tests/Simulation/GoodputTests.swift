import STTSession
import SimulationWorld
import Testing

/// A tenth of the link that `make goodput` measures, so that it is quick without optimisation.
@Suite struct GoodputTests {
  @Test(
    "random loss costs little more than what is lost",
    arguments: [(0, 0.90), (1, 0.88), (5, 0.78), (10, 0.60)] as [(Double, Double)])
  func randomLossIsNoCongestion(lossPercent: Double, least: Double) throws {
    var goodput = Goodput(lossPercent: lossPercent)
    goodput.bitsPerSecond = 10_000_000
    let share = try goodput.share()
    #expect(share >= least)
  }

  @Test("packets that overtake one another are not taken for lost ones")
  func reorderingIsNoLoss() throws {
    var goodput = Goodput(lossPercent: 0)
    goodput.bitsPerSecond = 10_000_000
    goodput.jitter = .milliseconds(30)
    let share = try goodput.share()
    #expect(share >= 0.8)
  }
}
