import STTSample
import Testing

@testable import LinuxGPIO

@Suite struct LinePulsesTests {
  @Test func aFrequencyIsThatOfWholePeriods() {
    var pulses = LinePulses()
    #expect(pulses.takeFrequency() == 0)
    // 100 Hz for half a second: 51 edges, 50 periods.
    for index in 0...50 { pulses.take(at: 1_000_000_000 + UInt64(index) * 10_000_000) }
    #expect(pulses.takeFrequency() == 100)
    #expect(pulses.count == 51)
    // The next interval begins with the last edge of this one.
    for index in 51...60 { pulses.take(at: 1_000_000_000 + UInt64(index) * 10_000_000) }
    #expect(pulses.takeFrequency() == 100)
    #expect(pulses.takeFrequency() == 0, "no pulse, no frequency")
    pulses.take(at: 3_600_000_000)
    #expect(pulses.takeFrequency() == 0.5, "a slow line has a frequency as soon as its period ends")
  }

  @Test func edgesTheKernelNumberedAndLostCountForTheFrequency() {
    var pulses = LinePulses()
    pulses.take(at: 1_000_000_000)
    pulses.count += 8
    pulses.sinceTold += 8
    pulses.take(at: 1_900_000_000)
    #expect(pulses.count == 10)
    #expect(pulses.takeFrequency() == 10)
  }

  @Test func afterAPauseAPeriodBeginsAnew() {
    var pulses = LinePulses()
    pulses.take(at: 1_000_000_000)
    pulses.pause()
    pulses.take(at: 9_000_000_000)
    #expect(pulses.takeFrequency() == 0)
    pulses.take(at: 9_100_000_000)
    #expect(pulses.takeFrequency() == 10)
    #expect(pulses.count == 3)
  }

  /// An edge may come between the thread's look at the clock and its look at the line.
  @Test func anEdgeThatIsLaterThanTheThreadsClockKeepsItsTime() {
    let now = SampleTime(monotonicNanoseconds: 5_000_000_000, wallNanoseconds: 1_700_000_000_000_000_000)
    let later = now.moment(monotonic: 5_004_000_000)
    #expect(later == SampleTime(monotonicNanoseconds: 5_004_000_000, wallNanoseconds: 1_700_000_000_004_000_000))
    let before = now.moment(monotonic: 4_999_000_000)
    #expect(before == SampleTime(monotonicNanoseconds: 4_999_000_000, wallNanoseconds: 1_699_999_999_999_000_000))
    for absurd in [66_000_000_000, UInt64.max, UInt64(1) << 63] {
      #expect(now.moment(monotonic: absurd) == now)
    }
  }
}
