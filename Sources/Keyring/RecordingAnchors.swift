import Glibc

/// What a device was told of its recordings: for each purpose the head of the chain in which everything
/// acknowledged as durable is. It outlives collectors: a recording that was rolled back or cut has no such head.
public struct RecordingAnchors: Sendable {
  /// Of the file in the agent's state directory.
  public static let fileName = "anchors"
  /// Purposes kept, the newest; a file stays below 4 KiB.
  private static let mostCount = 24

  public struct Anchor: Hashable, Sendable {
    /// Device and purpose, as in `greenhouse-1/main`.
    public var folder: String
    /// 32 bytes.
    public var head: [UInt8]
    /// Seconds since 1970 by the device's clock, for people.
    public var seconds: UInt64

    public init(folder: String, head: [UInt8], seconds: UInt64) {
      self.folder = folder
      self.head = head
      self.seconds = seconds
    }
  }

  public private(set) var anchors: [Anchor] = []

  public init() {}

  /// Keeps `anchor` instead of the one of its folder before; answers whether that changes anything.
  public mutating func keep(_ anchor: Anchor) -> Bool {
    guard !anchors.contains(where: { $0.folder == anchor.folder && $0.head == anchor.head }) else { return false }
    anchors.removeAll { $0.folder == anchor.folder }
    anchors.append(anchor)
    if anchors.count > Self.mostCount { anchors.removeFirst() }
    return true
  }

  /// What the agent with this state directory was told; empty before it was told anything.
  public init(in directory: StateDirectory) throws(StateError) {
    guard let bytes = try directory.read(Self.fileName, atMost: StateRecord.maximumByteCount) else { return }
    try take(bytes, "\(directory.path)/\(Self.fileName)")
  }

  /// The file at `path`, or the one in the state directory `path`.
  public init(path: String) throws(StateError) {
    var info = stat()
    let isDirectory = stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    let file = isDirectory ? "\(path)/\(Self.fileName)" : path
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotRead(path: file, code: errno) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: StateRecord.maximumByteCount + 1)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    guard count >= 0 else { throw .cannotRead(path: file, code: errno) }
    try take(Array(bytes[..<count]), file)
  }

  private mutating func take(_ bytes: [UInt8], _ path: String) throws(StateError) {
    guard let record = StateRecord(parsing: bytes), record.values["stt-anchors"] == "1" else {
      throw .damagedAnchors(path: path)
    }
    for (folder, value) in record.values where folder.contains("/") {
      let words = value.split(separator: " ")
      guard words.count == 2, let head = STTKeyring.bytes(hexadecimal: String(words[0])), head.count == 32,
        let seconds = UInt64(words[1])
      else { throw .damagedAnchors(path: path) }
      anchors.append(Anchor(folder: folder, head: head, seconds: seconds))
    }
    anchors.sort { ($0.seconds, $0.folder) < ($1.seconds, $1.folder) }
  }

  /// Blocks until they are on the disk.
  public func save(in directory: StateDirectory) throws(StateError) {
    var values = ["stt-anchors": "1"]
    for anchor in anchors { values[anchor.folder] = "\(hexadecimal(anchor.head)) \(anchor.seconds)" }
    try directory.write(Self.fileName, StateRecord(values).bytes)
  }
}
