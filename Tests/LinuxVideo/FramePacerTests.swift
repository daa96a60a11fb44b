import STTSample
import Testing

@testable import LinuxVideo

@Suite struct FramePacerTests {
  /// Pictures of `byteCount` at 25 Hz for ten seconds: how many pass.
  private func passing(byteCount: Int, target: UInt64, waiting: UInt64) -> Int {
    var pacer = FramePacer()
    let load = LinkLoad(targetBitsPerSecond: target, waitingByteCount: waiting)
    return (0..<250).count { pacer.takes(byteCount: byteCount, load, now: 1_000_000_000 + UInt64($0) * 40_000_000) }
  }

  @Test func everyPicturePassesWhileLittleWaits() {
    #expect(passing(byteCount: 100_000, target: 1_000_000, waiting: 200_000) == 250)
    #expect(passing(byteCount: 100_000, target: 0, waiting: .max) == 250, "nothing is known of the link")
  }

  @Test func whenPicturesPileUpAsManyPassAsTheLinkCarries() {
    // 0.8 Mbit a picture, 20 Mbit/s asked for, 8 Mbit/s there.
    #expect((98...101).contains(passing(byteCount: 100_000, target: 8_000_000, waiting: 10_000_000)))
    #expect(passing(byteCount: 100_000, target: 100_000_000, waiting: 100_000_000) >= 249)
  }

  @Test func aPauseIsNotFollowedByABurst() {
    var pacer = FramePacer()
    let load = LinkLoad(targetBitsPerSecond: 8_000_000, waitingByteCount: 10_000_000)
    _ = pacer.takes(byteCount: 100_000, load, now: 1)
    let after = (0..<10).count { pacer.takes(byteCount: 100_000, load, now: 60_000_000_000 + UInt64($0)) }
    #expect(after <= 2)
  }
}
