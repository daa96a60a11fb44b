internal import CLinux
import Glibc

/// An open V4L2 capture device. One thread's own; no call waits for a picture.
final class VideoDevice {
  let path: String
  /// What the driver calls it: `HD Pro Webcam C920`.
  private(set) var name = ""
  /// Where it is plugged in: `usb-0000:01:00.0-1.2`.
  private(set) var bus = ""
  let descriptor: CInt

  init(_ path: String) throws(CameraError) {
    self.path = path
    descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotOpen(device: path, errno: errno) }
    // The descriptor belongs to self already: a throw from here closes it in deinit.
    var capability = v4l2_capability()
    let result = clinux_ioctl(descriptor, clinux_VIDIOC_QUERYCAP, &capability)
    guard result >= 0 else {
      throw result == -ENODEV ? .cannotOpen(device: path, errno: ENODEV) : .notVideo(device: path)
    }
    name = text(of: capability.card)
    bus = text(of: capability.bus_info)
    // One device has several nodes; what this one does stands in device_caps.
    let all = capability.capabilities
    let own = all & 0x8000_0000 != 0 ? capability.device_caps : all
    if own & UInt32(V4L2_CAP_VIDEO_CAPTURE) == 0, own & UInt32(V4L2_CAP_VIDEO_CAPTURE_MPLANE) != 0 {
      throw .multiplanar(device: path, name: name)
    }
    guard own & UInt32(V4L2_CAP_VIDEO_CAPTURE) != 0, own & UInt32(V4L2_CAP_STREAMING) != 0 else {
      throw .notCapturing(device: path, name: name)
    }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  static var captureType: UInt32 { V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue }

  /// An ioctl whose refusal has a name.
  func call(_ request: UInt, _ argument: UnsafeMutableRawPointer, _ doing: String) throws(CameraError) {
    let result = clinux_ioctl(descriptor, request, argument)
    if result < 0 { throw .refused(device: path, doing: doing, errno: -result) }
  }

  /// Everything the driver says it has. A driver that numbers without end is cut short.
  func offers() -> [CameraOffer] {
    var offers: [CameraOffer] = []
    for index in 0..<UInt32(64) {
      var format = v4l2_fmtdesc()
      format.index = index
      format.type = Self.captureType
      guard clinux_ioctl(descriptor, clinux_VIDIOC_ENUM_FMT, &format) >= 0 else { break }
      offers += sizes(FourCC(code: format.pixelformat))
    }
    return offers
  }

  private func sizes(_ format: FourCC) -> [CameraOffer] {
    var offers: [CameraOffer] = []
    for index in 0..<UInt32(64) {
      var size = v4l2_frmsizeenum()
      size.index = index
      size.pixel_format = format.code
      guard clinux_ioctl(descriptor, clinux_VIDIOC_ENUM_FRAMESIZES, &size) >= 0 else { break }
      guard size.type == V4L2_FRMSIZE_TYPE_DISCRETE.rawValue else {
        guard let range = Self.range(size.stepwise) else { break }
        offers.append(
          CameraOffer(
            format: format, size: range,
            framesPerSecond: rates(format, size.stepwise.max_width, size.stepwise.max_height)))
        break
      }
      let (width, height) = (size.discrete.width, size.discrete.height)
      offers.append(
        CameraOffer(
          format: format, size: .fixed(width: Int(width), height: Int(height)),
          framesPerSecond: rates(format, width, height)))
    }
    return offers.isEmpty ? [CameraOffer(format: format, size: .unknown, framesPerSecond: [])] : offers
  }

  static func range(_ size: v4l2_frmsize_stepwise) -> CameraOffer.Size? {
    guard size.min_width <= size.max_width, size.min_height <= size.max_height else { return nil }
    return .range(
      width: Int(size.min_width)...Int(size.max_width), widthStep: Int(size.step_width),
      height: Int(size.min_height)...Int(size.max_height), heightStep: Int(size.step_height))
  }

  private func rates(_ format: FourCC, _ width: UInt32, _ height: UInt32) -> [Double] {
    var rates: [Double] = []
    for index in 0..<UInt32(64) {
      var interval = v4l2_frmivalenum()
      interval.index = index
      interval.pixel_format = format.code
      interval.width = width
      interval.height = height
      guard clinux_ioctl(descriptor, clinux_VIDIOC_ENUM_FRAMEINTERVALS, &interval) >= 0 else { break }
      guard interval.type == V4L2_FRMIVAL_TYPE_DISCRETE.rawValue else {
        rates = [Self.rate(interval.stepwise.min), Self.rate(interval.stepwise.max)].compactMap { $0 }
        break
      }
      if let rate = Self.rate(interval.discrete) { rates.append(rate) }
    }
    return rates.sorted(by: >)
  }

  /// Pictures a second, of the seconds a picture takes.
  static func rate(_ interval: v4l2_fract) -> Double? {
    guard interval.numerator > 0, interval.denominator > 0 else { return nil }
    return Double(interval.denominator) / Double(interval.numerator)
  }
}

/// The text in a fixed array of bytes, up to the first 0.
func text<Array>(of bytes: Array) -> String {
  withUnsafeBytes(of: bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
