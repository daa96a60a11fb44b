import Glibc

/// A refused call on a file, as a sentence: what failed, why, and what helps.
func fileTrouble(_ doing: String, _ path: String, errno number: CInt) -> String {
  let remedy =
    switch number {
    case EACCES, EPERM: "; give the user the agent runs as the right to read it"
    case ENOENT: "; it is opened as soon as it is there"
    case ENODEV, ENXIO, EIO: "; the device may be gone, it is opened again when it is back"
    case EISDIR: "; name a file in it"
    case EMFILE, ENFILE: "; raise the limit of open files (LimitNOFILE=)"
    default: ""
    }
  return "cannot \(doing) \(path): \(String(cString: strerror(number)))\(remedy)"
}

/// Waiting times between attempts: twice as long after each failure.
struct Backoff {
  // A plugged-in device is there within a quarter of a second; more often than every ten seconds
  // is not worth looking for one that stays away.
  static let shortest: UInt64 = 250_000_000
  static let longest: UInt64 = 10_000_000_000
  private var step = shortest

  /// When to try again, in nanoseconds of the monotonic clock.
  mutating func next(after now: UInt64) -> UInt64 {
    defer { step = min(step * 2, Self.longest) }
    return now &+ step
  }

  mutating func reset() { step = Self.shortest }
}
