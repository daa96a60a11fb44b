import STTRecord

/// Takes a recording's messages one after another into another form.
protocol MessageExport: AnyObject {
  func add(_ message: borrowing RecordedMessage, _ channel: PlayedChannel, clock: RecordedClock?) throws
  /// Ends what was begun; sentences for the person who asked.
  func finish() throws -> [String]
}

final class NDJSONExport: MessageExport {
  private let output: ByteOutput
  private let lines: MessageLines

  init(_ output: ByteOutput) {
    self.output = output
    lines = MessageLines(to: output)
  }

  func add(_ message: borrowing RecordedMessage, _ channel: PlayedChannel, clock: RecordedClock?) throws {
    lines.add(message, channel.stream, clock)
    try output.check()
  }

  func finish() throws -> [String] {
    try output.finish()
    return []
  }
}

final class MCAPExport: MessageExport {
  private let copy: RecordingCopy
  private let path: String

  init(creating path: String, leavesOutCopies: Bool) throws {
    copy = try RecordingCopy(creating: path, leavesOutCopies: leavesOutCopies)
    self.path = path
  }

  func add(_ message: borrowing RecordedMessage, _ channel: PlayedChannel, clock: RecordedClock?) throws {
    try copy.add(message, channel)
  }

  func finish() throws -> [String] { ["\(path): \(try copy.finish()) messages"] }
}

/// A table for each stream, in a directory; the first stream's alone on standard output.
final class CSVExport: MessageExport {
  private let directory: String?
  /// By the stream's index.
  private var tables: [(table: CSVTable, output: ByteOutput)?] = []
  private var names: [String] = []

  init(directory: String?) { self.directory = directory }

  /// A stream that has no columns makes no table.
  func add(_ message: borrowing RecordedMessage, _ channel: PlayedChannel, clock: RecordedClock?) throws {
    let stream = channel.stream
    while tables.count <= stream.index { tables.append(nil) }
    if tables[stream.index] == nil {
      let output: ByteOutput
      if let directory {
        guard stream.layout != nil else { return }
        let path = try ExportFolder.file(directory, for: stream, "csv")
        output = try ByteOutput(creating: path)
        names.append(path)
      } else {
        output = ByteOutput(isBulk: true)
      }
      tables[stream.index] = (CSVTable(stream, to: output), output)
    }
    guard let (table, output) = tables[stream.index] else { return }
    table.add(message)
    try output.check()
  }

  func finish() throws -> [String] {
    for table in tables { try table?.output.finish() }
    return names
  }
}

/// A file for each picture: `<device>/<stream>/<time>-<number>.jpg`.
final class PictureExport: MessageExport {
  private let directory: String
  /// By the stream's index.
  private var folders: [String?] = []
  private var count = 0
  private var unusableCount = 0

  init(directory: String) { self.directory = directory }

  func add(_ message: borrowing RecordedMessage, _ channel: PlayedChannel, clock: RecordedClock?) throws {
    let stream = channel.stream
    guard Picture.isCarried(by: stream), let layout = stream.layout else { return }
    guard let picture = Picture(message.payload, layout), let ending = Self.endings[picture.format] else {
      unusableCount += 1
      return
    }
    while folders.count <= stream.index { folders.append(nil) }
    let folder = try folders[stream.index] ?? ExportFolder.folder(directory, for: stream)
    folders[stream.index] = folder
    let time = String(timeText(message.publishTime).map { $0 == ":" ? "-" : $0 })
    let file = try ByteOutput(creating: "\(folder)/\(time)-\(message.identity.number).\(ending)")
    picture.bytes.withUnsafeBytes { file.bytes($0) }
    try file.flush()
    count += 1
  }

  private static let endings = ["jpeg": "jpg", "png": "png", "webp": "webp"]

  func finish() throws -> [String] {
    var lines = ["\(directory): \(count) pictures"]
    if unusableCount > 0 { lines.append("\(unusableCount) messages are video or no picture, and were left out") }
    return lines
  }
}
