import CLinux
import Glibc
import STTBuffers
import STTSample
import Testing

@testable import LinuxVideo

/// What can be known without a camera: that everything else is refused in a sentence, and tried again.
@Suite struct CameraSourceTests {
  func request(_ device: String?, _ format: VideoFormat? = .mjpeg) -> CameraRequest {
    CameraRequest(device: device, format: format, width: 640, height: 480, framesPerSecond: 15)
  }

  @Test func aMissingNodeIsRefusedInASentence() {
    let error = #expect(throws: CameraError.self) { try CameraSource.probe(request("/dev/nothing-here")) }
    #expect(
      error?.description
        == "cannot open /dev/nothing-here: No such file or directory; it is opened as soon as it is there")
  }

  @Test(arguments: ["/dev/null", "/dev/zero"])
  func aDeviceThatIsNoCameraIsRefusedInASentence(path: String) {
    #expect(throws: CameraError.notVideo(device: path)) { try CameraSource.probe(request(path)) }
  }

  @Test func aFileWithoutPermissionNamesTheGroup() {
    #expect(
      CameraError.cannotOpen(device: "/dev/video0", errno: EACCES).description.contains("to the group video"))
    #expect(CameraError.refused(device: "/dev/video0", doing: "start", errno: ENOSPC).description.contains("bandwidth"))
    #expect(
      CameraError.refused(device: "/dev/video0", doing: "start", errno: EBUSY).description.contains("another program"))
  }

  @Test func aMissingCameraIsReportedOnceAndLookedForEverySecond() throws {
    let source = try CameraSource(
      StreamDescription(name: "camera", schema: .opaque), request("/dev/nothing-here"))
    #expect(source.description.schema.name == "foxglove.CompressedImage")
    var outlet = NoOutlet()
    var now: UInt64 = 0
    var deadlines: [UInt64] = []
    for _ in 0..<7 {
      source.produce(now: SampleTime(monotonicNanoseconds: now, wallNanoseconds: now), into: &outlet)
      let deadline = try #require(source.deadline)
      deadlines.append((deadline - now) / 1_000_000)
      now = deadline
    }
    #expect(deadlines == [500, 1000, 1000, 1000, 1000, 1000, 1000])
    #expect(outlet.events.count == 1)
    #expect(source.descriptor == nil)
    // Called before its time it does nothing.
    source.produce(now: SampleTime(monotonicNanoseconds: now - 1, wallNanoseconds: 0), into: &outlet)
    #expect(source.deadline == now)
  }

  @Test func theSchemaFollowsTheFormat() throws {
    for format in VideoFormat.allCases {
      let source = try CameraSource(StreamDescription(name: "c", schema: .opaque), request("/dev/null", format))
      let schema: Schema = format == .h264 ? .compressedVideo : format == .mjpeg ? .compressedImage : .rawImage
      #expect(source.description.schema == schema)
    }
  }

  @Test func withoutAFormatTheCameraMustBeThere() {
    #expect(throws: CameraError.notVideo(device: "/dev/null")) {
      try CameraSource(StreamDescription(name: "c", schema: .opaque), request("/dev/null", nil))
    }
  }

  @Test func devicesAreFoundByNumberAndWithTheirStableNames() throws {
    var template = Array("/tmp/stt-video-XXXXXX".utf8CString)
    let directory = try #require(
      template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap(mkdtemp).map { String(cString: $0) } })
    let made = [
      "video10", "video2", "v4l", "v4l/by-id", "v4l/by-path", "v4l/by-id/cam", "v4l/by-path/usb", "videoX", "video",
    ]
    for name in ["v4l", "v4l/by-id", "v4l/by-path"] { mkdir("\(directory)/\(name)", 0o755) }
    for name in ["video10", "video2", "videoX", "video"] {
      close(open("\(directory)/\(name)", O_CREAT | O_WRONLY, 0o600))
    }
    symlink("../../video10", "\(directory)/v4l/by-id/cam")
    symlink("../../video2", "\(directory)/v4l/by-path/usb")
    defer {
      for name in made.reversed() { remove("\(directory)/\(name)") }
      for name in ["v4l/by-path", "v4l/by-id", "v4l"] { rmdir("\(directory)/\(name)") }
      rmdir(directory)
    }
    #expect(CameraDiscovery.nodes(in: directory) == ["\(directory)/video2", "\(directory)/video10"])
    #expect(CameraDiscovery.links(to: "\(directory)/video10", in: directory) == ["\(directory)/v4l/by-id/cam"])
    #expect(CameraDiscovery.list(in: directory).isEmpty)
    #expect(
      CameraDiscovery.problems(in: directory) == [
        .notVideo(device: "\(directory)/video2"), .notVideo(device: "\(directory)/video10"),
      ])
    #expect(CameraDiscovery.list(in: directory + "/none").isEmpty)
  }

  @Test func theDriversTimeIsTakenWhenItIsTheMonotonicClocks() {
    let now = SampleTime(monotonicNanoseconds: 100_000_000_000, wallNanoseconds: 1_700_000_000_000_000_000)
    var buffer = v4l2_buffer()
    buffer.flags = UInt32(V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
    buffer.timestamp = timeval(tv_sec: 99, tv_usec: 960_000)
    #expect(
      SampleTime(buffer: buffer, now: now)
        == SampleTime(monotonicNanoseconds: 99_960_000_000, wallNanoseconds: 1_699_999_999_960_000_000))
    // Taken after the thread looked at its clock.
    buffer.timestamp = timeval(tv_sec: 100, tv_usec: 3_000)
    #expect(SampleTime(buffer: buffer, now: now).monotonicNanoseconds == 100_003_000_000)
    buffer.flags = UInt32(V4L2_BUF_FLAG_TIMESTAMP_COPY)
    #expect(SampleTime(buffer: buffer, now: now) == now)
    buffer.flags = UInt32(V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC)
    for seconds in [0, 40, 161, -5, .max] {
      buffer.timestamp = timeval(tv_sec: seconds, tv_usec: 0)
      #expect(SampleTime(buffer: buffer, now: now) == now)
    }
  }

  @Test func intervalsBecomeRates() {
    #expect(VideoDevice.rate(v4l2_fract(numerator: 1, denominator: 30)) == 30)
    #expect(VideoDevice.rate(v4l2_fract(numerator: 1001, denominator: 30_000)) == 30_000.0 / 1001)
    #expect(VideoDevice.rate(v4l2_fract(numerator: 0, denominator: 30)) == nil)
    #expect(VideoDevice.rate(v4l2_fract(numerator: 1, denominator: 0)) == nil)
  }

  @Test func aRangeThatMakesNoSenseIsNone() {
    var size = v4l2_frmsize_stepwise()
    size.min_width = 640
    size.max_width = 16
    #expect(VideoDevice.range(size) == nil)
    size.max_width = 640
    #expect(VideoDevice.range(size) == .range(width: 640...640, widthStep: 0, height: 0...0, heightStep: 0))
  }

  @Test(
    .enabled(
      if: !CameraDiscovery.list().isEmpty, "no camera on this machine: capturing is not proven by this run"))
  func theFirstCameraOfThisMachineGivesPictures() throws {
    let camera = try #require(CameraDiscovery.list().first)
    let wanted = camera.offers.lazy.compactMap { offer -> CameraRequest? in
      guard case .fixed(let width, let height) = offer.size,
        let format = VideoFormat.automatic.first(where: { $0.fourCC == offer.format })
      else { return nil }
      return CameraRequest(device: camera.path, format: format, width: width, height: height, framesPerSecond: 15)
    }.first
    let description = StreamDescription(name: "c", schema: .opaque, maximumMessageByteCount: 16 << 20)
    let source = try CameraSource(description, try #require(wanted, "no offer of a known format"))
    var outlet = PictureOutlet()
    // Each turn waits for the camera itself; a camera that gives nothing ends the test.
    for _ in 0..<100 where outlet.times.count < 20 {
      var clock = timespec()
      clock_gettime(CLOCK_MONOTONIC, &clock)
      let now = UInt64(clock.tv_sec) * 1_000_000_000 + UInt64(clock.tv_nsec)
      source.produce(now: SampleTime(monotonicNanoseconds: now, wallNanoseconds: now), into: &outlet)
      var wait = pollfd(fd: source.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
      _ = poll(&wait, 1, source.descriptor == nil ? 1 : 2000)
    }
    #expect(outlet.times.count >= 20, "\(outlet.events)")
    #expect(outlet.byteCounts.allSatisfy { $0 > 0 })
    let moments = outlet.times.map(\.monotonicNanoseconds)
    #expect(moments == moments.sorted())
  }
}
