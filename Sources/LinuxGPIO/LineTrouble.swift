import Glibc

/// Why lines can't be had: what failed, and what helps.
public enum LineTrouble: Error, Hashable, Sendable, CustomStringConvertible {
  case noChip(wanted: String?)
  case noLine(String, chip: String?)
  case beyond(offset: UInt32, chip: String, lineCount: UInt32)
  case severalChips(String, String)
  case inUse(line: String, chip: String, user: String)
  case refused(doing: String, path: String, errno: CInt)
  case tooMany(Int)
  /// The library has no other clock than the monotonic one.
  case noRealtime(library: String)

  public var description: String {
    switch self {
    case .noChip(let wanted?):
      "no GPIO chip has the label, name or path \(wanted); it is used as soon as it is there (gpiodetect lists chips)"
    case .noChip(nil): "there is no GPIO chip (/dev/gpiochip*); one is used as soon as it is there"
    case .noLine(let name, let chip?):
      "no line of \(chip) is called \(name); gpioinfo lists names, or give chip and offsets"
    case .noLine(let name, nil): "no GPIO line is called \(name); gpioinfo lists names, or give chip and offsets"
    case .beyond(let offset, let chip, let lineCount):
      "\(chip) has \(lineCount) lines, from 0: there is no offset \(offset)"
    case .severalChips(let one, let other):
      "the lines lie on two chips, \(one) and \(other); make a source for each chip"
    case .inUse(let line, let chip, let user):
      "\(line) of \(chip) is in use by \(user); it is taken as soon as it is free"
    case .refused(let doing, let path, let errno):
      "cannot \(doing) \(path): \(String(cString: strerror(errno)))\(Self.remedy(errno, path))"
    case .noRealtime(let library):
      "libgpiod \(library) gives times of the monotonic clock alone: remove clock = \"realtime\" (each sample has the wall "
        + "time too), or build with libgpiod 2.x"
    case .tooMany(let count): "\(count) lines are too many for one source: at most 64"
    }
  }

  private static func remedy(_ errno: CInt, _ path: String) -> String {
    switch errno {
    case EACCES, EPERM:
      "; add the agent's user to the group gpio and let udev give that group the chips: "
        + "SUBSYSTEM==\"gpio\", KERNEL==\"gpiochip*\", GROUP=\"gpio\", MODE=\"0660\""
    case EBUSY: "; another program or driver has the line (gpioinfo says which)"
    case ENODEV, ENXIO, ENOENT, EIO: "; the chip may be gone, it is opened again when it is back"
    case EINVAL: "; the chip may not have this bias or these edges"
    case ENOTTY: "; it is no GPIO chip, or the kernel was built without CONFIG_GPIO_CDEV_V1"
    default: ""
    }
  }
}
