import Glibc
internal import STTBuffers
public import STTSample

/// Scans of an industrial I/O device's buffer, as one stream of messages with a field for each channel in its unit,
/// at the times the driver took them.
///
/// The device is found and asked for its channels at the start, because the stream's schema depends on them. When it
/// goes away it is looked for again by its name.
public final class CaptureSource: SampleSource {
  static let shortestRetry: UInt64 = 250_000_000
  static let longestRetry: UInt64 = 1_000_000_000
  // A device that is gone wakes nobody, but refuses the next read.
  static let checkInterval: UInt64 = 500_000_000
  // Scans of one read, and of one lease.
  static let mostScans = 256
  // Reads of one call: others share the thread.
  static let mostReads = 8

  public let description: StreamDescription
  public private(set) var descriptor: CInt?
  public private(set) var deadline: UInt64? = 0

  private let request: CaptureRequest
  private let channels: [IIODevice.ScanChannel]
  private let largestMessage: Int
  private var capture: Capture?
  private var bytes: UnsafeMutableRawBufferPointer
  private var scales: [(scale: Double, offset: Double)] = []
  private var lastTime: UInt64?
  private var retryStep = shortestRetry
  private var isUnavailable = false
  /// Scans there was no buffer for, not yet reported.
  private var refused: UInt64 = 0

  /// - Parameter description: its schema and message size are replaced.
  /// - Throws: when the device is not there, has no such channel, or can't capture.
  public init(
    _ description: StreamDescription, messageName: String, _ request: CaptureRequest
  ) throws(IIOTrouble) {
    self.request = request
    channels = try request.resolve().channels
    largestMessage = channels.count * 11
    var description = description
    description.schema = .protobuf(
      messageName: messageName,
      fields: channels.map { Field(fieldName($0.name), .double, unit: $0.unit) })
    description.maximumMessageByteCount = largestMessage
    self.description = description
    bytes = .allocate(byteCount: 0, alignment: 8)
  }

  deinit { bytes.deallocate() }

  public func produce<Outlet: SourceOutlet & ~Copyable>(now: SampleTime, into outlet: inout Outlet) {
    let time = now.monotonicNanoseconds
    if capture == nil {
      if let deadline, time < deadline { return }
      start(time, &outlet)
    }
    guard let capture else { return }
    for _ in 0..<Self.mostReads {
      let count = read(capture.descriptor, bytes.baseAddress, bytes.count)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        deadline = time &+ Self.checkInterval
        return
      }
      guard count > 0 else {
        let reason = IIOTrouble.refused(doing: "read", path: capture.device.node, errno: count < 0 ? errno : ENODEV)
        return fail(reason.description, time, &outlet)
      }
      hand(on: count / capture.layout.byteCount, of: capture, now, &outlet)
    }
    deadline = time
  }

  private func start<Outlet: SourceOutlet & ~Copyable>(_ time: UInt64, _ outlet: inout Outlet) {
    do throws(IIOTrouble) {
      let (device, found) = try request.resolve()
      // A reader of the recording has the units, the scales are already in the numbers.
      guard found.map(\.name) == channels.map(\.name), found.map(\.unit) == channels.map(\.unit) else {
        throw .changed(device: device.name)
      }
      let started = try Capture(request, device, found)
      bytes.deallocate()
      bytes = .allocate(byteCount: Self.mostScans * started.layout.byteCount, alignment: 8)
      capture = started
      descriptor = started.descriptor
      scales = found.map { ($0.scale, $0.offset) }
      lastTime = nil
      retryStep = Self.shortestRetry
    } catch {
      return fail(error.description, time, &outlet)
    }
    if isUnavailable {
      isUnavailable = false
      outlet.report(.available)
    }
  }

  private func hand<Outlet: SourceOutlet & ~Copyable>(
    on count: Int, of capture: Capture, _ now: SampleTime, _ outlet: inout Outlet
  ) {
    guard count > 0 else { return }
    let need = count * (SampleBatch.headerByteCount + largestMessage + 7)
    guard let lease = outlet.lease(atLeast: need) else {
      refused += UInt64(count)
      return
    }
    if refused > 0 {
      outlet.report(.gap(count: refused, reason: "no buffer was free"))
      refused = 0
    }
    var batch = SampleBatch(lease)
    for index in 0..<count {
      let scan = UnsafeRawBufferPointer(rebasing: bytes[(index * capture.layout.byteCount)...])
      let time = time(of: scan, capture, now)
      let missing = missing(before: time, capture)
      if missing > 0 { outlet.report(.gap(count: missing, reason: "scans are missing, by their times")) }
      // The lease is as large as its messages at their longest.
      _ = batch.append(at: time) { writer in
        for channel in channels.indices {
          let raw = capture.layout.real(channel, in: scan)
          writer.double(raw * scales[channel].scale + scales[channel].offset, field: channel + 1)
        }
      }
    }
    // A refusal is counted by the outlet.
    _ = outlet.emit(.batch(batch.finish()))
  }

  private func time(of scan: UnsafeRawBufferPointer, _ capture: Capture, _ now: SampleTime) -> SampleTime {
    guard let place = capture.timePlace else { return now }
    let stamp = UInt64(bitPattern: capture.layout.whole(place, in: scan))
    return now.moment(
      monotonic: capture.isMonotonic ? stamp : stamp &- now.wallNanoseconds &+ now.monotonicNanoseconds)
  }

  /// Scans that a full buffer dropped, as their times show it: the kernel does not number them. Short gaps can't be told
  /// from a late timer or a converter that runs at another rate than it says.
  private func missing(before time: SampleTime, _ capture: Capture) -> UInt64 {
    defer { lastTime = time.monotonicNanoseconds }
    guard capture.timePlace != nil, let hertz = capture.hertz, let lastTime, time.monotonicNanoseconds > lastTime else {
      return 0
    }
    let steps = (Double(time.monotonicNanoseconds - lastTime) * hertz / 1e9).rounded()
    return steps > 3 && steps < 1e12 ? UInt64(steps) - 1 : 0
  }

  private func fail<Outlet: SourceOutlet & ~Copyable>(_ reason: String, _ time: UInt64, _ outlet: inout Outlet) {
    capture = nil
    descriptor = nil
    deadline = time &+ retryStep
    retryStep = min(retryStep * 2, Self.longestRetry)
    if !isUnavailable { outlet.report(.unavailable(reason: reason)) }
    isUnavailable = true
  }
}

/// `voltage1-voltage2` as a protobuf identifier.
func fieldName(_ channel: String) -> String {
  let text = String(channel.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  return text.first?.isLetter == true ? text : "x" + text
}
