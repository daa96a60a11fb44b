internal import STTBuffers
public import STTSample

/// Pictures of a V4L2 camera, handed on in the memory the driver filled.
///
/// A picture is a `foxglove.CompressedImage` (MJPEG), `foxglove.CompressedVideo` (H.264) or `foxglove.RawImage`. Its time is the
/// driver's, when that is the monotonic clock's. Missing numbers of the driver are gaps. A camera
/// that fails or is unplugged is reported and opened anew, with everything set again.
public final class CameraSource: SampleSource {
  static let shortestRetry: UInt64 = 500_000_000
  // A look for a node that is not there costs little, and who plugs a camera in waits for its picture.
  static let longestRetry: UInt64 = 1_000_000_000
  // When the driver has fewer, returned buffers must reach it before it runs out.
  static let fewBuffers = 2
  static let returnInterval: UInt64 = 1_000_000
  // Pictures of one call: others share the thread.
  static let mostPictures = 8

  public let description: StreamDescription
  public private(set) var descriptor: CInt?
  public private(set) var deadline: UInt64? = 0

  private let request: CameraRequest
  private let format: VideoFormat
  private let frameID: String
  private let headByteCount: Int
  /// Without a picture for so long the camera is thought to hang.
  private let patience: UInt64
  private var session: CaptureSession?
  private var sequence = FrameSequence()
  private var lastPicture: UInt64 = 0
  private var retryStep = shortestRetry
  private var isUnavailable = false
  /// Pictures that could not be handed on, not yet reported.
  private var refused: UInt64 = 0
  private var pacer = FramePacer()
  /// Pictures left out because of the link, not yet reported.
  private var skipped: UInt64 = 0

  /// Opens nothing when `request` names a format: a camera that is missing is an event of the
  /// running source. Without a format the camera is opened and asked, because the stream's schema
  /// depends on it.
  ///
  /// - Parameter description: its schema is replaced by that of the pictures; a larger picture than
  ///   its ``StreamDescription/maximumMessageByteCount`` is a gap.
  /// - Throws: why the camera can't be used, only without a format.
  public init(
    _ description: StreamDescription, _ request: CameraRequest, frameID: String = "camera"
  ) throws(CameraError) {
    var description = description
    let format: VideoFormat
    if let wanted = request.format { format = wanted } else { format = try Self.probe(request).format }
    description.schema = format == .h264 ? .compressedVideo : format.isCompressed ? .compressedImage : .rawImage
    self.description = description
    self.format = format
    self.frameID = frameID
    self.request = request
    headByteCount = ImageHead.largest(frameID: frameID, format: format.encoding)
    patience = 2_000_000_000 + UInt64(5_000_000_000 / max(0.01, request.framesPerSecond))
  }

  /// Opens the camera, chooses a mode and closes it again: what a check of the configuration does.
  ///
  /// - Returns: the format and what was agreed, as a sentence.
  /// - Throws: why the camera can't be used.
  public static func probe(_ request: CameraRequest) throws(CameraError) -> (format: VideoFormat, mode: String) {
    let (_, mode) = try open(request)
    return (mode.format, "\(mode.fourCC) \(mode.width)x\(mode.height) at \(mode.framesPerSecond) fps")
  }

  private static func open(_ request: CameraRequest) throws(CameraError) -> (VideoDevice, CameraMode) {
    guard let path = request.device ?? CameraDiscovery.list().first?.path else { throw .noCamera }
    let device = try VideoDevice(path)
    return (device, try request.mode(among: device.offers(), of: path))
  }

  public func produce<Outlet: SourceOutlet & ~Copyable>(now: SampleTime, into outlet: inout Outlet) {
    let time = now.monotonicNanoseconds
    if session == nil {
      if let deadline, time < deadline { return }
      start(time, &outlet)
    }
    guard let session else { return }
    do throws(CameraError) {
      try session.requeueReturned()
      for _ in 0..<Self.mostPictures {
        switch session.take() {
        case .success(nil): return wait(session, time, &outlet)
        case .success(.some(let picture)): try hand(on: picture, of: session, now, &outlet)
        case .failure(let failure):
          return lose(
            CameraError.refused(device: session.device.path, doing: "give a picture", errno: failure.errno).description,
            time, &outlet)
        }
      }
      descriptor = nil
      deadline = time
    } catch {
      lose(error.description, time, &outlet)
    }
  }

  private func hand<Outlet: SourceOutlet & ~Copyable>(
    on picture: CaptureSession.Picture, of session: CaptureSession, _ now: SampleTime, _ outlet: inout Outlet
  ) throws(CameraError) {
    lastPicture = now.monotonicNanoseconds
    retryStep = Self.shortestRetry
    if isUnavailable {
      isUnavailable = false
      outlet.report(.available)
    }
    let missing = sequence.missing(before: picture.sequence)
    if missing > 0 { outlet.report(.gap(count: missing, reason: "the camera or the bus dropped pictures")) }
    if picture.isDamaged {
      outlet.report(.gap(count: 1, reason: "the driver marked a picture as damaged"))
      return try session.requeue(picture)
    }
    guard picture.byteCount <= description.maximumMessageByteCount - headByteCount else {
      outlet.report(
        .gap(count: 1, reason: "a picture of \(picture.byteCount) bytes is larger than the stream allows"))
      return try session.requeue(picture)
    }
    guard pacer.takes(byteCount: picture.byteCount, outlet.load, now: now.monotonicNanoseconds) else {
      skipped += 1
      return try session.requeue(picture)
    }
    if skipped > 0 {
      outlet.report(.gap(count: skipped, reason: "left out: the link carries fewer pictures"))
      skipped = 0
    }
    let time = SampleTime(buffer: picture.buffer, now: now)
    guard let head = head(picture.byteCount, time, session, &outlet), let body = session.lease(picture) else {
      refused += 1
      return try session.requeue(picture)
    }
    if refused > 0 {
      outlet.report(.gap(count: refused, reason: "no buffer was free"))
      refused = 0
    }
    // A refused picture is counted by the outlet and comes home at once.
    _ = outlet.emit(.frame(time: time, head: head, body: body))
  }

  private func head<Outlet: SourceOutlet & ~Copyable>(
    _ byteCount: Int, _ time: SampleTime, _ session: CaptureSession, _ outlet: inout Outlet
  ) -> Lease? {
    guard var lease = outlet.lease(atLeast: headByteCount) else { return nil }
    let hasFitted =
      switch format {
      case .mjpeg:
        ImageHead.compressed(into: &lease, time: time, frameID: frameID, format: format.encoding, byteCount: byteCount)
      case .h264:
        ImageHead.video(into: &lease, time: time, frameID: frameID, format: format.encoding, byteCount: byteCount)
      case .yuyv, .nv12, .rgb24, .grey:
        ImageHead.raw(
          into: &lease, time: time, frameID: frameID, width: UInt32(clamping: session.mode.width),
          height: UInt32(clamping: session.mode.height), encoding: format.encoding,
          step: UInt32(clamping: session.rowByteCount), byteCount: byteCount)
      }
    guard hasFitted else { return nil }
    return lease
  }

  private func start<Outlet: SourceOutlet & ~Copyable>(_ time: UInt64, _ outlet: inout Outlet) {
    var wanted = request
    wanted.format = format
    do throws(CameraError) {
      let (device, mode) = try Self.open(wanted)
      let started = try CaptureSession(device, mode)
      let most = description.maximumMessageByteCount - headByteCount
      // Compressed pictures stay far below what the driver reckons with; of the others none would fit.
      guard format.isCompressed || started.pictureByteCount <= most else {
        throw CameraError.tooLarge(device: device.path, byteCount: started.pictureByteCount, most: most)
      }
      session = started
      sequence.reset()
      lastPicture = time
    } catch {
      lose(error.description, time, &outlet)
    }
  }

  private func wait<Outlet: SourceOutlet & ~Copyable>(
    _ session: CaptureSession, _ time: UInt64, _ outlet: inout Outlet
  ) {
    // The camera can't be blamed while others hold all of its buffers.
    if session.queued == 0 { lastPicture = time }
    guard time &- lastPicture < patience else {
      return lose(
        "\(session.device.path) has given no picture for \((time - lastPicture) / 1_000_000_000) s", time, &outlet)
    }
    // With no buffer of its own the driver reports an error to whoever waits for a picture.
    descriptor = session.queued > 0 ? session.device.descriptor : nil
    deadline = session.queued < Self.fewBuffers ? time &+ Self.returnInterval : lastPicture &+ patience
  }

  private func lose<Outlet: SourceOutlet & ~Copyable>(_ reason: String, _ time: UInt64, _ outlet: inout Outlet) {
    session = nil
    descriptor = nil
    deadline = time &+ retryStep
    retryStep = min(retryStep * 2, Self.longestRetry)
    if !isUnavailable { outlet.report(.unavailable(reason: reason)) }
    isUnavailable = true
  }
}
