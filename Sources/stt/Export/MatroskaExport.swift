import CMatroska
import STTRecord
import STTSample

/// A Matroska file (RFC 9559) for each stream of JPEG or H.264 pictures.
final class MatroskaExport: MessageExport {
  struct CannotWrite: Error, CustomStringConvertible {
    let path: String
    var description: String { "cannot write video to \(path): libmatroska refused a picture" }
  }

  private let directory: String
  /// By the stream's index.
  private var films: [Film?] = []

  init(directory: String) { self.directory = directory }

  func add(_ message: borrowing RecordedMessage, _ channel: PlayedChannel, clock: RecordedClock?) throws {
    let stream = channel.stream
    guard Picture.isCarried(by: stream), let layout = stream.layout else { return }
    while films.count <= stream.index { films.append(nil) }
    let film = try films[stream.index] ?? Film(stream, try ExportFolder.file(directory, for: stream, "mkv"))
    films[stream.index] = film
    guard let picture = Picture(message.payload, layout) else {
      film.leaveOut()
      return
    }
    try film.add(picture, message)
  }

  func finish() throws -> [String] {
    try films.compactMap(\.self).map { film in
      try film.finish()
      return film.summary
    }
  }
}

/// One file of it.
private final class Film {
  private let path: String
  private let name: String
  private let output: ByteOutput
  /// libmatroska's, which writes to `output`.
  private var file: OpaquePointer?
  private var format = ""
  private var time: UInt64 = 0
  /// The last picture's times: the device's own, and when it was received.
  private var last: (monotonic: UInt64, logTime: UInt64)?
  private var count = 0
  private var leftOut = 0

  init(_ stream: PlayedStream, _ path: String) throws {
    self.path = path
    name = stream.topic
    output = try ByteOutput(creating: path, isBulk: true)
  }

  deinit { if file != nil { _ = cmatroska_close(file) } }

  func leaveOut() { leftOut += 1 }

  func add(_ picture: borrowing Picture, _ message: borrowing RecordedMessage) throws {
    switch picture.format {
    case "jpeg":
      guard file != nil || begin("V_MJPEG", JPEGSize.of(picture.bytes), [], "jpeg"), format == "jpeg" else {
        return leaveOut()
      }
      advance(message)
      try picture.bytes.withUnsafeBytes { try write($0, isKey: true) }
    case "h264":
      let unit = H264AccessUnit(picture.bytes)
      // A film begins with a picture that needs no other, and with the parameters all of them need.
      guard
        file != nil
          || unit.isKey && begin("V_MPEG4/ISO/AVC", unit.size, unit.decoderConfiguration, "h264"), format == "h264"
      else { return leaveOut() }
      advance(message)
      try unit.lengthPrefixed.withUnsafeBytes { try write($0, isKey: unit.isKey) }
    default: leaveOut()
    }
  }

  private func begin(_ codec: String, _ size: (width: UInt32, height: UInt32)?, _ configuration: [UInt8]?, _ format: String)
    -> Bool
  {
    guard let size, let configuration else { return false }
    file = cmatroska_open(
      { context, offset, bytes, count in
        guard let context else { return -1 }
        let output = Unmanaged<ByteOutput>.fromOpaque(context).takeUnretainedValue()
        return (try? output.bytes(UnsafeRawBufferPointer(start: bytes, count: count), at: offset)) == nil ? -1 : 0
      }, Unmanaged.passUnretained(output).toOpaque(), codec, configuration, configuration.count, size.width, size.height,
      name, "stt")
    self.format = format
    return file != nil
  }

  /// By the device's monotonic clock, which knows no jumps; where it began anew, by the time of receipt.
  private func advance(_ message: borrowing RecordedMessage) {
    let monotonic = message.identity.deviceTime.monotonicNanoseconds
    if let last {
      let received = message.logTime > last.logTime ? message.logTime - last.logTime : 0
      let step = monotonic > last.monotonic ? monotonic - last.monotonic : 0
      let difference = max(step, received) - min(step, received)
      time &+= monotonic >= last.monotonic && monotonic > 0 && difference < 10_000_000_000 ? step : received
    }
    last = (monotonic, message.logTime)
  }

  private func write(_ bytes: UnsafeRawBufferPointer, isKey: Bool) throws {
    let start = bytes.bindMemory(to: UInt8.self).baseAddress
    try check(cmatroska_add(file, start, bytes.count, time, isKey ? 1 : 0))
    count += 1
  }

  func finish() throws {
    guard file != nil else { return }
    let failed = cmatroska_close(file)
    file = nil
    try check(failed)
    try output.finish()
  }

  private func check(_ failed: CInt) throws {
    try output.check()
    guard failed == 0 else { throw MatroskaExport.CannotWrite(path: path) }
  }

  var summary: String {
    "\(path): \(count) pictures\(leftOut > 0 ? ", \(leftOut) left out that are no part of its film" : "")"
  }
}
