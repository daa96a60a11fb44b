import Glibc

/// Why an industrial I/O device can't be used: what failed, and what helps.
public enum IIOTrouble: Error, Hashable, Sendable, CustomStringConvertible {
  case noDevice(String, there: [String])
  case noChannel(String, device: String, there: [String])
  case noBuffer(device: String)
  case noTrigger(String)
  case changed(device: String)
  case refused(doing: String, path: String, errno: CInt)

  /// Whether the device may come, or come free.
  public var isDeviceMissing: Bool {
    switch self {
    case .noDevice, .noTrigger, .refused: true
    case .noChannel, .noBuffer, .changed: false
    }
  }

  public var description: String {
    switch self {
    case .noDevice(let name, let there):
      "no IIO device is called \(name); \(there.isEmpty ? "there is none" : "there are: \(there.joined(separator: ", "))"); it is "
        + "used as soon as it is there"
    case .noChannel(let name, let device, let there):
      "\(device) has no channel \(name); it has: \(there.joined(separator: ", "))"
    case .noBuffer(let device): "\(device) has no channel that can be captured; poll it: capture = \"polled\""
    case .noTrigger(let name):
      "there is no trigger \(name); make one: mkdir /sys/kernel/config/iio/triggers/hrtimer/\(name)"
    case .changed(let device): "\(device) has other channels than when the agent started: start it again"
    case .refused(let doing, let path, let errno):
      "cannot \(doing) \(path): \(String(cString: strerror(errno)))\(Self.remedy(errno))"
    }
  }

  private static func remedy(_ errno: CInt) -> String {
    switch errno {
    case EACCES, EPERM:
      "; let udev give the agent's group the device and its sysfs files: SUBSYSTEM==\"iio\", GROUP=\"gpio\", "
        + "MODE=\"0660\", RUN+=\"/bin/sh -c 'chgrp -R gpio /sys%p && chmod -R g+w /sys%p'\""
    case EBUSY: "; another program captures from it"
    case ENODEV, ENXIO, ENOENT, EIO: "; the device may be gone, it is opened again when it is back"
    case EINVAL: "; capturing may need a trigger, or the trigger does not fit"
    default: ""
    }
  }
}
