import RecordingTrials
import Testing

@Suite struct TamperingTests {
  @Test("each segment dropped, exchanged, sealed anew, and everything from it on rolled back, is detected")
  func everySegment() throws {
    let outcome = try Tampering(groups: 12, perSegment: 2).everySegment()
    #expect(outcome.attemptCount >= 20)
    #expect(outcome.failures.isEmpty, "\(outcome.failures.prefix(5))")
  }

  @Test("a catalogue rolled back to before each segment, alone or with its folder, and each segment gone, is detected")
  func everyCatalogue() throws {
    let outcome = try Tampering(groups: 12, perSegment: 2).everyCatalogue()
    #expect(outcome.attemptCount >= 18)
    #expect(outcome.failures.isEmpty, "\(outcome.failures.prefix(5))")
  }

  @Test("delete, repeat, swap, edit and cut at some records of a recording of hundreds")
  func someRecords() throws {
    let recording = try Tampering(groups: 60, perSegment: 1000)
    let outcome = try recording.everyRecord(stride: 61)
    #expect(outcome.attemptCount >= 28)
    #expect(outcome.failures.isEmpty, "\(outcome.failures.prefix(5))")
  }
}
