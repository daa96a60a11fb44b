import STTImpairment
import Testing

@Suite struct LatenessTests {
  @Test func percentilesAreWithinAQuarter() {
    var lateness = Lateness()
    for value in 1...10_000 as ClosedRange<UInt64> { lateness.note(value) }
    #expect(lateness.count == 10_000)
    #expect(lateness.mean == 5000)
    #expect(lateness.largest == 10_000)
    for percent in [10.0, 50, 90, 99] {
      let found = Double(lateness.percentile(percent))
      #expect(found >= 100 * percent && found <= 125 * percent, "\(percent) %: \(found)")
    }
    #expect(lateness.percentile(100) == 10_000)
  }

  @Test func extremesAreCounted() {
    var lateness = Lateness()
    #expect(lateness.percentile(99) == 0)
    lateness.note(0)
    #expect(lateness.percentile(99) == 0)
    lateness.note(.max)
    #expect(lateness.percentile(99) == .max)
  }
}
