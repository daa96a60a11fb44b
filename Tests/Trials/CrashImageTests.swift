import RecordingTrials
import Testing

@Suite struct CrashImageTests {
  @Test(
    "power cut at any call, writes torn or reordered: nothing promised is lost, every store opens", arguments: [false, true])
  func images(isSealed: Bool) throws {
    let outcome = try CrashImages(isSealed: isSealed, reorderings: 1).run(seed: 3, steps: 9)
    #expect(outcome.imageCount > 60)
    #expect(outcome.failures.isEmpty, "\(outcome.failures.prefix(5))")
  }

  @Test(
    "and where old segments are removed meanwhile, they are gone as the note of it says, and the chain explains it",
    arguments: [false, true])
  func retention(isSealed: Bool) throws {
    let outcome = try CrashImages(isSealed: isSealed, retains: true, reorderings: 1).run(seed: 3, steps: 15)
    #expect(outcome.imageCount > 200)
    #expect(outcome.failures.isEmpty, "\(outcome.failures.prefix(5))")
  }

  @Test("a recorder that did not sync would be found out", arguments: [CrashImages.Forgotten.fileSyncs, .directorySyncs])
  func unsynced(forgotten: CrashImages.Forgotten) throws {
    let outcome = try CrashImages(isSealed: true, reorderings: 1, without: forgotten).run(seed: 3, steps: 9)
    #expect(!outcome.failures.isEmpty)
  }
}
