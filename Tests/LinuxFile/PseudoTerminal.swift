import Glibc

/// The two ends of a terminal, as a character device that can hang up.
final class PseudoTerminal {
  let master: CInt
  /// The path of the other end.
  let path: String

  /// `nil` where there are no pseudo-terminals.
  init?() {
    // Glibc's module does not show posix_openpt and its kin; these are the ioctls they make.
    let unlock: UInt = 0x4004_5431
    let getNumber: UInt = 0x8004_5430
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard master >= 0 else { return nil }
    var zero: CInt = 0
    var number: CInt = -1
    guard ioctl(master, unlock, &zero) == 0, ioctl(master, getNumber, &number) == 0 else {
      Glibc.close(master)
      return nil
    }
    path = "/dev/pts/\(number)"
    // Raw, or the line discipline would echo and edit. The settings stay with the terminal.
    var settings = termios()
    tcgetattr(master, &settings)
    cfmakeraw(&settings)
    tcsetattr(master, TCSANOW, &settings)
  }

  func hangUp() { Glibc.close(master) }
}
