import Testing

@testable import LinuxGPIO

@Suite struct EdgeOrderTests {
  @Test func numberedEdgesAreCountedExactly() {
    var order = EdgeOrder(isActive: false, areBothWatched: true)
    #expect(order.missing(before: 1, isRising: true) == 0)
    #expect(order.missing(before: 2, isRising: false) == 0)
    #expect(order.missing(before: 10, isRising: false) == 7)
    #expect(order.missing(before: 11, isRising: true) == 0)
  }

  @Test func edgesLostBeforeTheFirstReadAreCounted() {
    var order = EdgeOrder(isActive: false, areBothWatched: true)
    #expect(order.missing(before: 5, isRising: true) == 4)
  }

  @Test func aNumberThatGoesBackIsNoGap() {
    var order = EdgeOrder(isActive: false, areBothWatched: true)
    _ = order.missing(before: 9, isRising: true)
    #expect(order.missing(before: 3, isRising: false) == 0)
    #expect(order.missing(before: .max, isRising: true) == UInt64.max - 4)
  }

  @Test func withoutNumbersTwoEdgesOfOneDirectionShowALoss() {
    var order = EdgeOrder(isActive: false, areBothWatched: true)
    #expect(order.missing(before: 0, isRising: false) == 1)
    #expect(order.missing(before: 0, isRising: true) == 0)
    #expect(order.missing(before: 0, isRising: true) == 1)
    #expect(order.missing(before: 0, isRising: false) == 0)
  }

  @Test func whereOneDirectionIsWatchedItsEdgesFollowEachOther() {
    var order = EdgeOrder(isActive: false, areBothWatched: false)
    #expect(order.missing(before: 0, isRising: true) == 0)
    #expect(order.missing(before: 0, isRising: true) == 0)
  }
}
