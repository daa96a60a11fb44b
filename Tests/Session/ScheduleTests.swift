import Testing

@testable import STTSession

@Suite struct ScheduleTests {
  private func order(_ schedule: Schedule, _ turn: Int, urgency: (Int) -> MonotonicTime = { _ in .never }) -> [Int] {
    var visit = schedule.visit(turn)
    var streams: [Int] = []
    while let stream = schedule.next(&visit, urgency: urgency) { streams.append(stream) }
    return streams
  }

  @Test("every turn visits every stream exactly once")
  func visitsAll() {
    let schedule = Schedule([(3, false), (0, false), (0, true), (7, false), (3, true), (0, false)])
    for turn in 0..<200 {
      #expect(order(schedule, turn) { $0 == 4 ? .init(nanoseconds: 5) : .never }.sorted() == Array(0..<6))
    }
  }

  @Test("each lower priority goes first in one turn of twenty, the highest in all others")
  func guaranteesAShare() {
    let schedule = Schedule([(5, false), (0, false), (9, false)])
    let firsts = (0..<2000).map { order(schedule, $0)[0] }
    #expect(firsts.count { $0 == 0 } == 100)
    #expect(firsts.count { $0 == 2 } == 100)
    #expect(firsts.count { $0 == 1 } == 1800)
  }

  @Test("equals take turns")
  func equalsRotate() {
    let schedule = Schedule([(1, false), (1, false), (1, false), (1, false)])
    let firsts = (0..<400).map { order(schedule, $0)[0] }
    for stream in 0..<4 { #expect(firsts.count { $0 == stream } == 100) }
  }

  @Test("among equals the nearest deadline goes first")
  func nearestDeadlineFirst() {
    let schedule = Schedule([(1, true), (1, true), (1, false)])
    for turn in 0..<50 {
      #expect(order(schedule, turn) { MonotonicTime(nanoseconds: $0 == 1 ? 10 : 20) }[0] == 1)
    }
  }

  @Test("more priorities than turns still all get theirs")
  func manyPriorities() {
    let schedule = Schedule((0..<100).map { (UInt8($0), false) })
    #expect(Set((0..<100).map { order(schedule, $0)[0] }) == Set(0..<100))
  }
}
