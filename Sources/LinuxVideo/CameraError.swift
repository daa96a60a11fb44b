import Glibc

/// Why a camera can't be used.
public enum CameraError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No capture device exists.
  case noCamera
  case cannotOpen(device: String, errno: CInt)
  /// The file is no V4L2 device.
  case notVideo(device: String)
  /// It is a V4L2 device, but not one that gives pictures to mapped memory.
  case notCapturing(device: String, name: String)
  /// A camera on the processor's own bus, whose pictures need libcamera.
  case multiplanar(device: String, name: String)
  case notOffered(device: String, wanted: String, offers: [CameraOffer])
  /// The driver offered a mode and then set another.
  case changed(device: String, wanted: String, got: String)
  /// An uncompressed picture would not fit into a message of the stream.
  case tooLarge(device: String, byteCount: Int, most: Int)
  /// A system call in the course of starting failed.
  case refused(device: String, doing: String, errno: CInt)

  /// Whether the camera may come, or come free.
  public var isDeviceMissing: Bool {
    switch self {
    case .noCamera, .cannotOpen, .refused: true
    case .notVideo, .notCapturing, .multiplanar, .notOffered, .changed, .tooLarge: false
    }
  }

  public var description: String {
    switch self {
    case .noCamera: "no camera was found under /dev/video*: plug one in, or name its device"
    case .cannotOpen(let device, let number):
      "cannot open \(device): \(text(number))\(remedy(number))"
    case .notVideo(let device): "\(device) is no video device: name one of those that \"probe\" lists"
    case .notCapturing(let device, let name):
      "\(device) (\(name)) gives no pictures: a camera has several nodes, name the one that \"probe\" lists"
    case .multiplanar(let device, let name):
      "\(device) (\(name)) is a camera on the processor's own bus, and those need libcamera: use a USB camera"
    case .notOffered(let device, let wanted, let offers):
      "\(device) does not offer \(wanted); it offers "
        + Self.list(offers)
    case .tooLarge(let device, let byteCount, let most):
      "a picture of \(device) has \(byteCount) bytes and the stream allows \(most): raise the stream's largest message, "
        + "or choose a smaller size or a compressed format"
    case .changed(let device, let wanted, let got): "\(device) was asked for \(wanted) and would give \(got)"
    case .refused(let device, let doing, let number):
      "\(device) refuses to \(doing): \(text(number))\(remedy(number))"
    }
  }

  /// Formats of use to this program, and how many others there are.
  private static func list(_ offers: [CameraOffer]) -> String {
    let known = offers.filter(\.isKnown)
    let others = Set(offers.map(\.format)).subtracting(known.map(\.format)).count
    let rest = others == 0 ? [] : ["\(others) format\(others == 1 ? "" : "s") unknown here"]
    let all = known.map(\.description) + rest
    return all.isEmpty ? "nothing" : all.joined(separator: "; ")
  }

  private func text(_ number: CInt) -> String { String(cString: strerror(number)) }

  private func remedy(_ number: CInt) -> String {
    switch number {
    case EACCES, EPERM:
      "; add the agent's user to the group video, or let udev give another group the cameras: "
        + "SUBSYSTEM==\"video4linux\", GROUP=\"video\", MODE=\"0660\""
    case EBUSY: "; another program is using it"
    case ENOENT, ENODEV, ENXIO: "; it is opened as soon as it is there"
    case ENOSPC: "; the USB bus has no bandwidth left: choose a smaller size or a compressed format"
    default: ""
    }
  }
}
