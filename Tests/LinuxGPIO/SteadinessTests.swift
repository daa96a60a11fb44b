import Testing

@testable import LinuxGPIO

@Suite struct SteadinessTests {
  @Test func aLevelCountsOnceItHasLastedAndKeepsTheTimeItBegan() {
    var line = Steadiness(isActive: false)
    #expect(line.change(isActive: true, at: 100, 50) == nil)
    #expect(line.due(after: 50) == 150)
    #expect(line.settle(now: 149, 50) == nil)
    #expect(line.settle(now: 150, 50) == Steadiness.Level(isActive: true, since: 100))
    #expect(line.settle(now: 1000, 50) == nil)
    #expect(line.due(after: 50) == nil)
  }

  @Test func bouncingIsOneChangeAtItsLastEdge() {
    var line = Steadiness(isActive: false)
    for (time, isActive) in [(100, true), (110, false), (120, true), (130, false), (140, true)] {
      #expect(line.change(isActive: isActive, at: UInt64(time), 50) == nil)
    }
    #expect(line.settle(now: 190, 50) == Steadiness.Level(isActive: true, since: 140))
  }

  @Test func aSpikeIsNoChange() {
    var line = Steadiness(isActive: false)
    _ = line.change(isActive: true, at: 100, 50)
    _ = line.change(isActive: false, at: 120, 50)
    #expect(line.settle(now: 500, 50) == nil)
    #expect(line.due(after: 50) == nil)
  }

  @Test func aLevelThatHadLastedIsToldBeforeTheNextEdge() {
    var line = Steadiness(isActive: false)
    _ = line.change(isActive: true, at: 100, 50)
    #expect(line.change(isActive: false, at: 200, 50) == Steadiness.Level(isActive: true, since: 100))
    #expect(line.settle(now: 250, 50) == Steadiness.Level(isActive: false, since: 200))
  }

  @Test func aLevelNoEdgeToldOfCountsToo() {
    var line = Steadiness(isActive: false)
    line.see(isActive: false, at: 50)
    #expect(line.due(after: 50) == nil)
    line.see(isActive: true, at: 100)
    line.see(isActive: true, at: 120)
    #expect(line.settle(now: 150, 50) == Steadiness.Level(isActive: true, since: 100))
  }

  @Test func aClockThatGoesBackSettlesNothing() {
    var line = Steadiness(isActive: false)
    _ = line.change(isActive: true, at: 100, 50)
    #expect(line.settle(now: 50, 50) == nil)
  }
}
