import STTImpairment
import Testing

private let millisecond: UInt64 = 1_000_000

/// Passes `count` datagrams, `interval` nanoseconds apart.
private func fates(
  _ impairment: Impairment, seed: UInt64 = 1, count: Int, byteCount: Int = 1200, interval: UInt64 = 100_000
) -> [ImpairedDirection.Fate] {
  var direction = ImpairedDirection(impairment, seed: seed)
  return (0..<count).map { direction.pass(byteCount: byteCount, now: UInt64($0) * interval) }
}

private func arrival(_ fate: ImpairedDirection.Fate) -> UInt64? {
  if case .arrives(let time, _) = fate { return time }
  return nil
}

private func losses(_ fates: [ImpairedDirection.Fate]) -> [Int] { fates.indices.filter { fates[$0] == .lost } }

@Suite struct ImpairedDirectionTests {
  @Test func aPerfectLinkDeliversEverythingAtOnce() {
    #expect(fates(Impairment(), count: 100) == (0..<100).map { .arrives($0 * 100_000, again: nil) })
  }

  @Test func theDelayIsExact() {
    let delayed = fates(Impairment(delay: 25 * millisecond), count: 100)
    #expect(delayed == (0..<100).map { .arrives($0 * 100_000 + 25 * millisecond, again: nil) })
  }

  /// Within four standard deviations of a binomial distribution.
  @Test(arguments: [1.0, 5, 10, 50]) func soManyAreLostAsWereAskedFor(percent: Double) {
    let count = 100_000.0
    for seed in 1...5 as ClosedRange<UInt64> {
      let lost = Double(losses(fates(Impairment(lossPercent: percent), seed: seed, count: Int(count))).count)
      let share = percent / 100
      let deviation = (count * share * (1 - share)).squareRoot()
      #expect(abs(lost - count * share) < 4 * deviation, "seed \(seed): \(lost)")
    }
  }

  @Test func whetherTheNthIsLostDependsOnTheSeedAndNAlone() {
    let first = losses(fates(Impairment(lossPercent: 5), seed: 7, count: 10_000))
    let other = losses(
      fates(
        Impairment(lossPercent: 5, duplicatePercent: 3, delay: 9 * millisecond, jitter: millisecond), seed: 7,
        count: 10_000, byteCount: 77, interval: 1234))
    #expect(first == other)
    #expect(first != losses(fates(Impairment(lossPercent: 5), seed: 8, count: 10_000)))
  }

  @Test func burstsTakeTheirShareInRunsOfTheirLength() {
    let count = 400_000
    let lost = losses(fates(Impairment(bursts: .init(sharePercent: 2, length: 10)), count: count))
    let share = Double(lost.count) / Double(count)
    #expect((0.017...0.023).contains(share), "\(share)")
    let runs = zip(lost, [-2] + lost).count { $0 != $1 + 1 }
    let length = Double(lost.count) / Double(runs)
    #expect((9...11).contains(length), "\(length)")
  }

  @Test func aBadStateMayLoseAPartOnly() {
    let bursts = Impairment.Bursts(beginPercent: 100, endPercent: 0, lossPercent: 50)
    let lost = losses(fates(Impairment(bursts: bursts), count: 10_000)).count
    #expect((4_800...5_200).contains(lost), "\(lost)")
  }

  @Test func repetitionsArriveTwiceAndAreAsManyAsAskedFor() {
    let all = fates(Impairment(duplicatePercent: 10, delay: millisecond), count: 50_000)
    let twice = all.count { if case .arrives(let first, let again?) = $0 { again == first } else { false } }
    #expect((4_700...5_300).contains(twice), "\(twice)")
  }

  @Test func withoutJitterNothingOvertakes() {
    let times = fates(
      Impairment(lossPercent: 5, delay: 5 * millisecond, bitsPerSecond: 100_000_000), count: 5_000
    ).compactMap(arrival)
    #expect(times == times.sorted())
  }

  @Test func jitterReordersAndStaysWithinItsBounds() {
    let times = fates(Impairment(delay: 5 * millisecond, jitter: 2 * millisecond), count: 20_000).compactMap(arrival)
    let extra = times.indices.map { times[$0] - UInt64($0) * 100_000 - 5 * millisecond }
    #expect(extra.allSatisfy { $0 < 2 * millisecond })
    #expect(extra.max() ?? 0 > 19 * millisecond / 10)
    #expect(zip(times, times.dropFirst()).contains { $0 > $1 })
  }

  /// 1228 bytes with headers at 100 Mbit/s take 98,240 ns.
  @Test func aLimitedLinkSendsOneAfterTheOther() {
    let times = fates(Impairment(bitsPerSecond: 100_000_000), count: 10, interval: 0).compactMap(arrival)
    #expect(times == (1...10).map { UInt64($0) * 98_240 })
    let idle = fates(Impairment(bitsPerSecond: 100_000_000), count: 10, interval: millisecond).compactMap(arrival)
    #expect(idle == (0..<10).map { UInt64($0) * millisecond + 98_240 })
  }

  @Test func aFullQueueDropsItsTailAndDrains() {
    var direction = ImpairedDirection(Impairment(bitsPerSecond: 8_000_000, queueByteCount: 5_000), seed: 1)
    // Four of 1228 bytes fit into 5000.
    let first = (0..<6).map { _ in direction.pass(byteCount: 1200, now: 0) }
    #expect(first.map { $0 == .overflowed } == [false, false, false, false, true, true])
    // At a byte a microsecond the first has left after 1228.
    #expect(direction.pass(byteCount: 1200, now: 1_000_000) == .overflowed)
    #expect(direction.pass(byteCount: 1200, now: 1_228_000) == .arrives(5 * 1_228_000, again: nil))
  }

  @Test func moreThanTheRateIsCutToTheRate() {
    let impairment = Impairment(delay: 25 * millisecond, bitsPerSecond: 10_000_000)
    #expect(impairment.queueByteCount == 65_536)
    // Twice what the link carries, for two seconds.
    let all = fates(impairment, count: 4_000, interval: 491_200)
    let arrived = all.compactMap(arrival)
    let dropped = all.count { $0 == .overflowed }
    #expect(arrived.count + dropped == 4_000)
    let seconds = Double((arrived.last ?? 0) - (arrived.first ?? 0)) / 1e9
    let rate = Double((arrived.count - 1) * 1228 * 8) / seconds
    #expect(abs(rate - 10_000_000) < 1_000, "\(rate)")
  }

  @Test func theUsualQueueIsARoundTripOfTheLink() {
    #expect(Impairment(delay: 25 * millisecond, bitsPerSecond: 100_000_000).queueByteCount == 625_000)
  }

  @Test func aClockThatStepsBackDoesNoHarm() {
    var direction = ImpairedDirection(Impairment(delay: 10, bitsPerSecond: 1_000_000_000), seed: 1)
    let first = direction.pass(byteCount: 97, now: 1_000_000)
    let second = direction.pass(byteCount: 97, now: 999)
    #expect(first == .arrives(1_001_010, again: nil))
    #expect(second == .arrives(1_002_010, again: nil))
  }
}
