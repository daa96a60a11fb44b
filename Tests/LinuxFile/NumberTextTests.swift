import STTSample
import Testing

@testable import LinuxFile

@Suite struct NumberTextTests {
  @Test(arguments: [
    ("0", 0, false), ("42", 42, false), ("-7", 7, true), ("+7", 7, false), ("0x1F", 31, false), ("0X1f", 31, false),
    ("18446744073709551615", UInt64.max, false),
  ])
  func wholeNumbers(text: String, magnitude: UInt64, isNegative: Bool) {
    #expect(whole(text) == NumberText.Whole(magnitude: magnitude, isNegative: isNegative))
  }

  @Test(arguments: [
    "", "-", "+", "0x", "12kB", "1.5", "ff", "18446744073709551616", "99999999999999999999999", "0xg", "--1",
  ])
  func whatIsNoWholeNumber(text: String) { #expect(whole(text) == nil) }

  @Test func base16NeedsNoPrefix() {
    #expect(whole("1d6b", radix: 16)?.magnitude == 0x1d6b)
    #expect(whole("xyz", radix: 16) == nil)
  }

  @Test(arguments: [("0.21", 0.21), ("-12.5e-3", -0.0125), ("24684084", 24_684_084), (".5", 0.5), ("1e300", 1e300)])
  func realNumbers(text: String, value: Double) { #expect(real(text) == value) }

  @Test(arguments: [
    "", "inf", "nan", "0x10", "1e999", "1.2.3", "12kB", "-", String(repeating: "1", count: 64),
  ])
  func whatIsNoRealNumber(text: String) { #expect(real(text) == nil) }

  @Test(arguments: [("1", true), ("off", false), ("UP", true), ("Enabled", true), ("n", false), ("down", false)])
  func flags(text: String, meaning: Bool) { #expect(flag(text) == meaning) }

  @Test(arguments: ["", "2", "onn", "u", "\u{10}", "yesyes"])
  func whatIsNoFlag(text: String) { #expect(flag(text) == nil) }

  private func whole(_ text: String, radix: UInt64 = 10) -> NumberText.Whole? {
    Array(text.utf8).withUnsafeBytes { NumberText.whole($0, radix: radix) }
  }
  private func real(_ text: String) -> Double? { Array(text.utf8).withUnsafeBytes { NumberText.real($0) } }
  private func flag(_ text: String) -> Bool? { Array(text.utf8).withUnsafeBytes { NumberText.flag($0) } }
}

@Suite struct TextLinesTests {
  static let text = """
    Inter-|   Receive
    cpu0 1 2 3
    cpu  10\t20  30
     eth0:111 222
    MemTotal:       24684084 kB
    Active:         5 kB
    Active(anon):   6 kB
    """

  @Test(arguments: [
    (nil, 1, "Inter-|"), (nil, 2, "Receive"), ("cpu", 1, "10"), ("cpu", 3, "30"), ("cpu0", 2, "2"),
    ("eth0:", 1, "111"), ("eth0", 2, "222"), ("MemTotal", 1, "24684084"), ("MemTotal:", 2, "kB"),
    ("Active", 1, "5"), ("Active(anon)", 1, "6"),
  ])
  func finds(line: String?, column: Int, word: String) { #expect(Self.word(line, column) == word) }

  @Test(arguments: [(nil, 3), ("cpu", 4), ("cp", 1), ("eth1", 1), ("MemTotal:", 3), ("10", 1)])
  func findsNothing(line: String?, column: Int) { #expect(Self.word(line, column) == nil) }

  @Test func anEmptyTextHasNoWords() {
    let empty = UnsafeRawBufferPointer(start: nil, count: 0)
    #expect(TextLines(empty).word(1, ofLine: nil) == nil)
    #expect(TextLines(empty).word(1, ofLine: Array("x".utf8)) == nil)
  }

  private static func word(_ line: String?, _ column: Int) -> String? {
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBytes { TextLines($0).word(column, ofLine: line.map { Array($0.utf8) }) }
      .map { String(decoding: bytes[$0], as: UTF8.self) }
  }
}

@Suite struct MetronomeTests {
  @Test func theFirstCallIsATick() {
    var metronome = Metronome(hertz: 10)
    #expect(metronome.deadline == 0)
    #expect(metronome.tick(now: 77) == (true, 0))
    #expect(metronome.deadline == 100_000_077)
  }

  @Test(arguments: [0.01, 0.3, 1, 3, 29.97, 60, 999.9, 1000])
  func deadlinesKeepToTheRateForADay(hertz: Double) {
    var metronome = Metronome(hertz: hertz)
    let start: UInt64 = 123_456_789
    _ = metronome.tick(now: start)
    let count = UInt64(86_400 * hertz)
    // Passing over all but the last tick leaves the count where it belongs.
    let last = start + UInt64((Double(count) / hertz * 1e9).rounded(.up)) + 1000
    let (isDue, missed) = metronome.tick(now: last)
    #expect(isDue)
    #expect(missed == count - 1)
    let expected = Double(start) + Double(count + 1) / hertz * 1e9
    #expect(abs(Double(metronome.deadline) - expected) < 100)
  }

  @Test(arguments: [0.07, 3, 7, 333.3, 1000])
  func aTickIsDueAtItsDeadlineAndNotBefore(hertz: Double) {
    var metronome = Metronome(hertz: hertz)
    _ = metronome.tick(now: 1)
    for _ in 0..<1000 {
      let deadline = metronome.deadline
      #expect(metronome.tick(now: deadline - 1) == (false, 0))
      #expect(metronome.tick(now: deadline) == (true, 0))
    }
  }

  @Test func aClockThatJumpsToTheEndOfTimeDoesNotTrap() {
    var metronome = Metronome(hertz: 1000)
    _ = metronome.tick(now: 5)
    #expect(metronome.tick(now: 4).isDue == false)
    #expect(metronome.tick(now: .max).isDue)
    #expect(metronome.deadline == .max)
  }
}
