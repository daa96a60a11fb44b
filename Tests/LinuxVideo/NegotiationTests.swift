import Testing

@testable import LinuxVideo

@Suite struct NegotiationTests {
  let offers = [
    CameraOffer(format: FourCC("YUYV"), size: .fixed(width: 640, height: 480), framesPerSecond: [30, 15]),
    CameraOffer(format: FourCC("YUYV"), size: .fixed(width: 1280, height: 720), framesPerSecond: [10, 7.5]),
    CameraOffer(format: FourCC("MJPG"), size: .fixed(width: 1280, height: 720), framesPerSecond: [60, 30]),
    CameraOffer(
      format: FourCC("GREY"), size: .range(width: 16...640, widthStep: 16, height: 16...480, heightStep: 8),
      framesPerSecond: [5, 50]),
  ]

  func mode(_ format: VideoFormat?, _ width: Int, _ height: Int, _ rate: Double = 30) throws(CameraError) -> CameraMode {
    try CameraRequest(format: format, width: width, height: height, framesPerSecond: rate).mode(
      among: offers, of: "/dev/video9")
  }

  @Test func aNamedFormatAndSizeIsTakenAsItIs() throws {
    #expect(
      try mode(.yuyv, 640, 480)
        == CameraMode(format: .yuyv, fourCC: FourCC("YUYV"), width: 640, height: 480, framesPerSecond: 30))
  }

  @Test func withoutAFormatTheFirstOfTheUsualOnesWithThatSizeIsTaken() throws {
    #expect(try mode(nil, 1280, 720).format == .mjpeg)
    #expect(try mode(nil, 640, 480).format == .yuyv)
    #expect(try mode(nil, 320, 240).format == .grey)
  }

  @Test(arguments: [(30.0, 30.0), (20, 15), (1, 15), (100, 30)])
  func theNearestRateIsTaken(wanted: Double, got: Double) throws {
    #expect(try mode(.yuyv, 640, 480, wanted).framesPerSecond == got)
  }

  @Test(arguments: [(VideoFormat.grey, 32, 24), (.grey, 640, 480), (.grey, 16, 16)])
  func aSizeInARangeIsTaken(format: VideoFormat, width: Int, height: Int) throws {
    #expect(try mode(format, width, height).width == width)
  }

  @Test(arguments: [
    (VideoFormat.grey, 33, 24), (.grey, 656, 480), (.grey, 8, 16), (.yuyv, 641, 480), (.mjpeg, 640, 480),
    (.h264, 1280, 720),
  ])
  func whatIsNotOfferedIsRefused(format: VideoFormat, width: Int, height: Int) {
    #expect(
      throws: CameraError.notOffered(
        device: "/dev/video9", wanted: "\(format.rawValue) \(width)x\(height)", offers: offers)
    ) {
      try mode(format, width, height)
    }
  }

  @Test func theRefusalListsWhatTheDeviceOffers() {
    let error = #expect(throws: CameraError.self) { try mode(.nv12, 640, 480) }
    #expect(
      error?.description == "/dev/video9 does not offer nv12 640x480; it offers YUYV 640x480 at 30, 15 fps; "
        + "YUYV 1280x720 at 10, 7.5 fps; MJPG 1280x720 at 60, 30 fps; GREY 16x16 to 640x480 at 5, 50 fps")
  }

  @Test func formatsNobodyHereKnowsAreOnlyCounted() {
    let odd = ["BA81", "RGBP"].map { text in
      CameraOffer(
        format: FourCC(code: text.utf8.reversed().reduce(0) { $0 << 8 | UInt32($1) }), size: .unknown,
        framesPerSecond: [])
    }
    func text(_ offers: [CameraOffer]) -> String {
      CameraError.notOffered(device: "d", wanted: "w", offers: offers).description
    }
    #expect(text(odd) == "d does not offer w; it offers 2 formats unknown here")
    #expect(
      text([offers[0], odd[0]]) == "d does not offer w; it offers YUYV 640x480 at 30, 15 fps; 1 format unknown here")
    #expect(text([]) == "d does not offer w; it offers nothing")
  }

  @Test func aCameraThatCallsItsPicturesJPEGIsAnMJPEGCamera() throws {
    let request = CameraRequest(format: .mjpeg, width: 64, height: 48, framesPerSecond: 5)
    let offer = CameraOffer(format: FourCC("JPEG"), size: .unknown, framesPerSecond: [])
    #expect(try request.mode(among: [offer], of: "x").fourCC == FourCC("JPEG"))
    #expect(try request.mode(among: [offer], of: "x").framesPerSecond == 5)
  }

  @Test func fourCharactersAreTheKernelsNumbers() {
    // V4L2_PIX_FMT_YUYV and _MJPEG of linux/videodev2.h.
    #expect(FourCC("YUYV").code == 0x5659_5559)
    #expect(FourCC("MJPG").code == 0x4750_4A4D)
    #expect(FourCC(code: 0x0001_4A4D).description == "MJ??")
  }
}

@Suite struct FrameSequenceTests {
  @Test func numbersInOrderMissNothing() {
    var sequence = FrameSequence()
    for number: UInt32 in [7, 8, 9] { #expect(sequence.missing(before: number) == 0) }
  }

  @Test func skippedNumbersAreCounted() {
    var sequence = FrameSequence()
    #expect(sequence.missing(before: 5) == 0)
    #expect(sequence.missing(before: 7) == 1)
    #expect(sequence.missing(before: 107) == 99)
  }

  @Test func theCountRunsOverItsEnd() {
    var sequence = FrameSequence()
    _ = sequence.missing(before: .max - 1)
    #expect(sequence.missing(before: .max) == 0)
    #expect(sequence.missing(before: 0) == 0)
    #expect(sequence.missing(before: 3) == 2)
  }

  @Test func aNumberThatGoesBackIsANewBeginning() {
    var sequence = FrameSequence()
    _ = sequence.missing(before: 1000)
    #expect(sequence.missing(before: 0) == 0)
    #expect(sequence.missing(before: 0) == 0)
    #expect(sequence.missing(before: 1) == 0)
  }
}
