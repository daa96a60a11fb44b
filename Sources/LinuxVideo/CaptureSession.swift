internal import CLinux
import Glibc
internal import STTBuffers

/// A camera that takes pictures: a device with its mode set, its buffers mapped and queued.
final class CaptureSession {
  /// More let a reader be late without loss, and cost memory.
  static let wantedBuffers: UInt32 = 8

  let device: VideoDevice
  let mode: CameraMode
  /// Bytes of a row as the driver lays them out.
  let rowByteCount: Int
  /// Bytes of the largest picture, as the driver reckons.
  let pictureByteCount: Int
  private var buffers: CameraBuffers?
  /// Buffers the driver has.
  private(set) var queued = 0

  /// A picture the driver has given up.
  struct Picture {
    var buffer: v4l2_buffer
    var sequence: UInt32 { buffer.sequence }
    var index: Int { Int(buffer.index) }
    var byteCount: Int { Int(buffer.bytesused) }
    var isDamaged: Bool { buffer.flags & UInt32(V4L2_BUF_FLAG_ERROR) != 0 || buffer.bytesused == 0 }
  }

  init(_ device: VideoDevice, _ mode: CameraMode) throws(CameraError) {
    self.device = device
    self.mode = mode
    (rowByteCount, pictureByteCount) = try Self.setFormat(device, mode)
    // After the format: setting that puts the rate back to the driver's own.
    try Self.setRate(device, mode)
    buffers = try Self.map(device)
    for index in 0..<(buffers?.count ?? 0) { try queue(index) }
    var type = CInt(truncatingIfNeeded: VideoDevice.captureType)
    try device.call(clinux_VIDIOC_STREAMON, &type, "start")
  }

  deinit {
    var type = CInt(truncatingIfNeeded: VideoDevice.captureType)
    _ = clinux_ioctl(device.descriptor, clinux_VIDIOC_STREAMOFF, &type)
    // Unmapped here, or when the last lease ends; a driver whose buffers are still mapped keeps them
    // although they are asked back.
    buffers = nil
    var request = Self.request(count: 0)
    _ = clinux_ioctl(device.descriptor, clinux_VIDIOC_REQBUFS, &request)
  }

  /// The next picture, `nil` when none is ready, or the errno of a camera in trouble.
  func take() -> Result<Picture?, CaptureFailure> {
    var buffer = Self.buffer(0)
    let result = clinux_ioctl(device.descriptor, clinux_VIDIOC_DQBUF, &buffer)
    if result == -EAGAIN { return .success(nil) }
    if result < 0 { return .failure(CaptureFailure(errno: -result)) }
    queued -= 1
    return .success(Picture(buffer: buffer))
  }

  func lease(_ picture: Picture) -> Lease? { buffers?.lease(picture.index, byteCount: picture.byteCount) }

  /// Gives a picture nobody wants back to the driver.
  func requeue(_ picture: Picture) throws(CameraError) { try queue(picture.index) }

  /// Gives back to the driver what came home.
  func requeueReturned() throws(CameraError) {
    var returned = buffers?.takeReturned() ?? 0
    while returned != 0 {
      let index = returned.trailingZeroBitCount
      returned &= returned - 1
      try queue(index)
    }
  }

  private func queue(_ index: Int) throws(CameraError) {
    var buffer = Self.buffer(UInt32(truncatingIfNeeded: index))
    try device.call(clinux_VIDIOC_QBUF, &buffer, "take a buffer")
    queued += 1
  }

  private static func buffer(_ index: UInt32) -> v4l2_buffer {
    var buffer = v4l2_buffer()
    buffer.index = index
    buffer.type = VideoDevice.captureType
    buffer.memory = V4L2_MEMORY_MMAP.rawValue
    return buffer
  }

  private static func request(count: UInt32) -> v4l2_requestbuffers {
    var request = v4l2_requestbuffers()
    request.count = count
    request.type = VideoDevice.captureType
    request.memory = V4L2_MEMORY_MMAP.rawValue
    return request
  }

  private static func setFormat(
    _ device: VideoDevice, _ mode: CameraMode
  ) throws(CameraError) -> (rowByteCount: Int, pictureByteCount: Int) {
    var format = v4l2_format()
    format.type = VideoDevice.captureType
    format.fmt.pix.pixelformat = mode.fourCC.code
    format.fmt.pix.width = UInt32(clamping: mode.width)
    format.fmt.pix.height = UInt32(clamping: mode.height)
    format.fmt.pix.field = V4L2_FIELD_ANY.rawValue
    try device.call(clinux_VIDIOC_S_FMT, &format, "set its format")
    // The call succeeds with the nearest the driver has.
    let got = format.fmt.pix
    guard got.pixelformat == mode.fourCC.code, Int(got.width) == mode.width, Int(got.height) == mode.height else {
      throw .changed(
        device: device.path, wanted: "\(mode.fourCC) \(mode.width)x\(mode.height)",
        got: "\(FourCC(code: got.pixelformat)) \(got.width)x\(got.height)")
    }
    return (max(Int(got.bytesperline), mode.format.rowByteCount(width: mode.width)), Int(got.sizeimage))
  }

  private static func setRate(_ device: VideoDevice, _ mode: CameraMode) throws(CameraError) {
    var parameters = v4l2_streamparm()
    parameters.type = VideoDevice.captureType
    parameters.parm.capture.timeperframe = v4l2_fract(
      numerator: 1000, denominator: UInt32(clamping: Int((mode.framesPerSecond * 1000).rounded())))
    let result = clinux_ioctl(device.descriptor, clinux_VIDIOC_S_PARM, &parameters)
    // A camera of a fixed rate refuses the call.
    if result < 0, result != -ENOTTY, result != -EINVAL {
      throw .refused(device: device.path, doing: "set its frame rate", errno: -result)
    }
  }

  private static func map(_ device: VideoDevice) throws(CameraError) -> CameraBuffers {
    var request = request(count: wantedBuffers)
    try device.call(clinux_VIDIOC_REQBUFS, &request, "reserve buffers")
    var mappings: [UnsafeMutableRawBufferPointer] = []
    func fail(_ doing: String, _ error: CInt) -> CameraError {
      for mapping in mappings { munmap(mapping.baseAddress, mapping.count) }
      return .refused(device: device.path, doing: doing, errno: error)
    }
    guard request.count >= 2 else { throw fail("reserve two buffers or more", ENOMEM) }
    for index in 0..<min(request.count, UInt32(CameraBuffers.most)) {
      var buffer = buffer(index)
      let result = clinux_ioctl(device.descriptor, clinux_VIDIOC_QUERYBUF, &buffer)
      guard result >= 0 else { throw fail("describe a buffer", -result) }
      let byteCount = Int(buffer.length)
      // Written only by the driver, but leases are writable by their type.
      guard byteCount > 0,
        let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, device.descriptor, off_t(buffer.m.offset)),
        base != MAP_FAILED
      else { throw fail("map a buffer", byteCount > 0 ? errno : EINVAL) }
      mappings.append(UnsafeMutableRawBufferPointer(start: base, count: byteCount))
    }
    return CameraBuffers(mappings: mappings)
  }
}

/// The errno with which a running camera failed.
struct CaptureFailure: Error {
  var errno: CInt
}
