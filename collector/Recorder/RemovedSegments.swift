import Glibc
import STC
import STTRecord

/// What was removed from the beginning of a folder to keep to limits: the file `removed` in it.
///
/// A chain that begins in the middle looks like one whose beginning somebody deleted; this says which it is, and that
/// the collector did it.
public struct RemovedSegments: Hashable, Sendable {
  private static let fileName = "removed"
  private static let largestByteCount = 4096
  /// In place of a segment's name: the key is for this note alone.
  private static let keyName = Array("stt-removed-note".utf8)

  public var segmentCount: UInt64 = 0
  public var byteCount: UInt64 = 0
  /// Name of the last one.
  public var through = ""
  /// Heads of the chain before and after the last one, 32 bytes each; empty in plain recordings.
  public var before: [UInt8] = []
  public var head: [UInt8] = []
  /// When, since 1970.
  public var seconds: UInt64 = 0
  private var code: [UInt8] = []

  public init() {}

  /// `nil` where nothing was removed, or the note can't be read.
  public init?(in folder: String) {
    let descriptor = open("\(folder)/\(Self.fileName)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Self.largestByteCount)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    self.init(text: String(decoding: bytes[..<count], as: UTF8.self))
  }

  init?(text: String) {
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") {
      guard let equals = line.firstRange(of: " = ") else { return nil }
      values[String(line[..<equals.lowerBound])] = String(line[equals.upperBound...])
    }
    guard values["stt-removed"] == "1", let segments = values["segments"].flatMap({ UInt64($0) }),
      let bytes = values["bytes"].flatMap({ UInt64($0) }), let through = values["through"],
      let seconds = values["seconds"].flatMap({ UInt64($0) }), let before = values["before"].flatMap({ Digits.bytes($0) }),
      let head = values["head"].flatMap({ Digits.bytes($0) }), let code = values["code"].flatMap({ Digits.bytes($0) })
    else { return nil }
    (segmentCount, byteCount, self.through, self.seconds) = (segments, bytes, through, seconds)
    (self.before, self.head, self.code) = (before, head, code)
    guard self.text == text else { return nil }
  }

  private var body: String {
    "stt-removed = 1\nsegments = \(segmentCount)\nbytes = \(byteCount)\nthrough = \(through)\nseconds = \(seconds)\nbefore = \(Digits.text(before))\nhead = \(Digits.text(head))\n"
  }

  var text: String { body + "code = \(Digits.text(code))\n" }

  /// Counts saturate: a note read from a file may say anything.
  mutating func add(_ segment: RetiredSegment) {
    let (count, overflow) = segmentCount.addingReportingOverflow(1)
    segmentCount = overflow ? .max : count
    let (bytes, isTooLarge) = byteCount.addingReportingOverflow(segment.byteCount)
    byteCount = isTooLarge ? .max : bytes
    through = segment.name
  }

  /// Whether a folder may begin with a segment that follows `head`: the removal may have been interrupted.
  func explains(_ head: [UInt8]) -> Bool { !head.isEmpty && (head == self.head || head == before) }

  private func code(_ collector: [UInt8]) -> [UInt8] {
    PositionKey(bytes: collector, segment: Self.keyName).recovery(digest(Array(body.utf8)))
  }

  /// - Parameter collector: its own key, 32 bytes.
  mutating func sign(_ collector: [UInt8]) { code = code(collector) }

  /// Whether a collector with one of these keys wrote it; `nil` without any.
  public func isGenuine(_ collectors: [[UInt8]]) -> Bool? {
    collectors.isEmpty ? nil : collectors.contains { equalInConstantTime(code($0), code) }
  }

  func write(_ folder: String, on disk: any Disk) throws(RecorderError) {
    let path = "\(folder)/\(Self.fileName)"
    let new = "\(path).new"
    let stale = disk.remove(new)
    guard stale >= 0 || stale == -ENOENT else { throw RecorderError(doing: "replace", path: new, number: -stale) }
    let file = try SegmentFile(creating: new, on: disk, keepsUnsynced: false)
    try Array(text.utf8).withRawBytes { bytes throws(RecorderError) in try file.write(bytes, at: 0) }
    try file.sync()
    let renamed = disk.rename(new, to: path)
    guard renamed >= 0 else { throw RecorderError(doing: "rename to", path: path, number: -renamed) }
    let synced = disk.syncDirectory(folder)
    guard synced >= 0 else { throw RecorderError(doing: "sync the directory", path: folder, number: -synced) }
  }
}
