import Glibc
import RecordingTrials
import Testing

@Suite struct DiskFaultTests {
  @Test(
    "a disk that refuses at any call, once, for a while or for good: nothing promised is lost, recording goes on by itself",
    arguments: [DiskFault.error(ENOSPC), .error(EIO), .short], [false, true])
  func everyCall(fault: DiskFault, isSealed: Bool) throws {
    let outcome = try DiskFaults(isSealed: isSealed, fault: fault).run(seed: 4, steps: 10, stride: 29)
    #expect(outcome.runCount >= 6)
    #expect(outcome.failures.isEmpty, "\(outcome.failures.prefix(5))")
  }

  @Test("and where old segments are removed meanwhile", arguments: [DiskFault.error(ENOSPC), .error(EIO), .short])
  func retention(fault: DiskFault) throws {
    let outcome = try DiskFaults(isSealed: true, retains: true, fault: fault).run(seed: 4, steps: 16, stride: 23)
    #expect(outcome.runCount >= 6)
    #expect(outcome.failures.isEmpty, "\(outcome.failures.prefix(5))")
  }
}
