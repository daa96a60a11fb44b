internal import CLinux
import STTSample

extension SampleTime {
  /// When a picture was taken: the driver's time when that is the monotonic clock's and not absurd,
  /// else the time it was fetched.
  init(buffer: v4l2_buffer, now: SampleTime) {
    let isMonotonic = buffer.flags & UInt32(V4L2_BUF_FLAG_TIMESTAMP_MASK) == UInt32(V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
    let (seconds, tooMany) = UInt64(clamping: buffer.timestamp.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
    let (taken, over) = seconds.addingReportingOverflow(UInt64(clamping: buffer.timestamp.tv_usec) &* 1000)
    // Some drivers leave the time at 0, and none keeps a picture for a minute.
    self = isMonotonic && !tooMany && !over ? now.moment(monotonic: taken) : now
  }
}
