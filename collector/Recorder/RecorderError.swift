import Glibc

/// Why the recorder could not do its work.
public struct RecorderError: Error, Hashable, Sendable, CustomStringConvertible {
  public let doing: String
  public let path: String
  public let number: CInt

  public init(doing: String, path: String, number: CInt) {
    self.doing = doing
    self.path = path
    self.number = number
  }

  public var description: String {
    let reason = String(cString: strerror(number))
    let advice =
      switch number {
      case ENOSPC, EDQUOT: "; make room there"
      case EROFS: "; the file system is mounted read-only"
      case EACCES, EPERM: "; the user this runs as needs to write there"
      case ENOENT: "; make its parent directory first"
      default: ""
      }
    return "cannot \(doing) \(path): \(reason)\(advice)"
  }
}
