import Glibc

/// A refused call on a file, as a sentence: what failed, why, and what helps.
func fileTrouble(_ doing: String, _ path: String, errno number: CInt) -> String {
  let remedy =
    switch number {
    case EACCES, EPERM: readersRemedy(path)
    case ENOENT: "; it is opened as soon as it is there"
    case ENODEV, ENXIO, EIO: "; the device may be gone, it is opened again when it is back"
    case EISDIR: "; name a file in it"
    case EMFILE, ENFILE: "; raise the limit of open files (LimitNOFILE=)"
    default: ""
    }
  return "cannot \(doing) \(path): \(String(cString: strerror(number)))\(remedy)"
}

/// Who may read a file, and how the agent's user becomes one of them.
private func readersRemedy(_ path: String) -> String {
  var status = stat()
  let usual = "; give the user the agent runs as the right to read it"
  guard stat(path, &status) == 0 else { return usual + ", and to enter its folder" }
  let group = getgrgid(status.st_gid).map { String(cString: $0.pointee.gr_name) } ?? "\(status.st_gid)"
  if status.st_mode & S_IRGRP != 0, group != "root" { return "; add the agent's user to the group \(group)" }
  guard path.hasPrefix("/dev/"), let name = path.split(separator: "/").last else { return usual }
  return "\(usual), best through a group that udev gives it: KERNEL==\"\(name)\", GROUP=\"stt\", MODE=\"0640\""
}

/// Waiting times between attempts: twice as long after each failure.
struct Backoff {
  // A plugged-in device is there within a quarter of a second, and who plugged it in waits for its values: a look
  // at a path that is not there costs little.
  static let shortest: UInt64 = 250_000_000
  static let longest: UInt64 = 1_000_000_000
  private let longest: UInt64
  private var step = shortest

  init(longest: UInt64 = longest) { self.longest = longest }

  /// When to try again, in nanoseconds of the monotonic clock.
  mutating func next(after now: UInt64) -> UInt64 {
    defer { step = min(step * 2, longest) }
    return now &+ step
  }

  mutating func reset() { step = Self.shortest }
}
