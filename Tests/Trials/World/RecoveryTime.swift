import Glibc
import STTRecord
import STTRecorder
import STTSample

/// How long a recorder takes to recover an unfinished segment of 64 MiB.
public enum RecoveryTime {
  public static func measure(isSealed: Bool) throws -> (byteCount: UInt64, seconds: Double, processorSeconds: Double) {
    let place = try TrialDirectory()
    let keys = TrialKeys(isSealed: isSealed)
    let settings = RecorderSettings(compresses: false, reserveByteCount: 0)
    let payload = [UInt8](repeating: 7, count: 4096)
    do {
      let recorder = try Recorder(root: place.path, settings: settings, keys: keys.recording)
      recorder.open(TrialRun.streams[0], token: 0, position: 0)
      for number in 0..<UInt64(16_384) {
        _ = payload.withUnsafeBytes {
          recorder.append(
            token: 0, number: number, deviceTime: SampleTime(monotonicNanoseconds: number, wallNanoseconds: number),
            publishTime: number, received: number, first: $0, now: 1)
        }
      }
      _ = recorder.tick(now: 1_000_000_000, wall: 1) { _, _ in }
    }
    let (start, processorStart) = (seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID))
    let again = try Recorder(root: place.path, settings: settings, keys: keys.recording)
    let duration = seconds(CLOCK_MONOTONIC) - start
    let processor = seconds(CLOCK_PROCESS_CPUTIME_ID) - processorStart
    guard let file = again.recovered.first, again.positions.first?.position == 16_384 else {
      throw TrialFailure("nothing was recovered")
    }
    return (file.keptByteCount, duration, processor)
  }

  private static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
