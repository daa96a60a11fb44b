/// The device's counter of handshake attempts with one collector: every value is used once, also
/// over crashes and power cuts (docs/protocol.md 2.4).
///
/// Values are reserved 32 at a time, so that a flash card is written once for 32 handshakes: the file
/// names the first value that is *not* reserved. After a crash the rest of a block is skipped, never
/// used again; ``close()`` gives it back.
public struct HandshakeCounter: ~Copyable {
  /// Values reserved by one write. The collector expects the 64 counters after the last it accepted, so
  /// the value after a crash, at most 32 on, lies in its window, and so does the one after another crash.
  public static let blockSize: UInt64 = 32
  /// K_hello is used with random nonces, at most 2^32 times (docs/protocol.md 2.5).
  public static let maximum = UInt64(UInt32.max)

  private let directory: StateDirectory
  private let pair: PairKey
  private let pairName: String
  private let fileName: String
  private var next: UInt64
  private var reservedEnd: UInt64

  /// Opens the counter of one of the pair's seeds in `directory`, the current one's unless another is named,
  /// or begins it at 1. Reads one small file.
  public init(of pair: PairFile, epoch: UInt32? = nil, in directory: StateDirectory) throws(StateError) {
    let key = pair.key(epoch: epoch ?? pair.epoch)
    self.directory = directory
    self.pair = key
    pairName = pair.name
    fileName = Self.fileName(of: key)
    next = 1
    if let bytes = try directory.read(fileName, atMost: StateRecord.maximumByteCount) {
      next = try Self.value(in: bytes, of: key, path: "\(directory.path)/\(fileName)")
    }
    reservedEnd = next
  }

  /// The next value. Blocks on one synced write when a block is used up (once in 32 calls).
  public mutating func take() throws(StateError) -> UInt64 {
    guard next <= Self.maximum else { throw .exhausted(name: pairName) }
    if next >= reservedEnd {
      // Written before use: whatever happens now, no value of this block is given out again.
      try save(next + Self.blockSize)
      reservedEnd = next + Self.blockSize
    }
    defer { next += 1 }
    return next
  }

  /// Gives back what was reserved and not used. Without it, as after a crash, the rest is skipped.
  public consuming func close() throws(StateError) {
    if next < reservedEnd { try save(next) }
  }

  private func save(_ firstFree: UInt64) throws(StateError) {
    let record = StateRecord([
      "stt-counter": "1", "device-id": hexadecimal(pair.deviceID), "collector-id": hexadecimal(pair.collectorID),
      "epoch": "\(pair.epoch)", "first-free": "\(firstFree)",
    ])
    try directory.write(fileName, record.bytes)
  }

  /// A file a pair and epoch; the whole ids are inside and compared.
  static func fileName(of pair: PairKey) -> String {
    "\(hexadecimal(Array(pair.deviceID.prefix(8))))-\(hexadecimal(Array(pair.collectorID.prefix(8))))-\(pair.epoch).counter"
  }

  private static func value(in bytes: [UInt8], of pair: PairKey, path: String) throws(StateError) -> UInt64 {
    guard let record = StateRecord(parsing: bytes), record.values["stt-counter"] == "1",
      let value = record.values["first-free"].flatMap({ UInt64($0) }), value >= 1
    else { throw .damaged(path: path, reason: "the counter file is cut or altered") }
    guard record.values["device-id"] == hexadecimal(pair.deviceID),
      record.values["collector-id"] == hexadecimal(pair.collectorID), record.values["epoch"] == "\(pair.epoch)"
    else { throw .damaged(path: path, reason: "the counter file belongs to another pair") }
    // Above the limit every take() is refused; the addition of a block must not overflow.
    return min(value, maximum + 1)
  }
}

extension StateDirectory {
  /// One more than at the last start: tells the messages of this run from those of every other
  /// (docs/protocol.md 2.15). Blocks until the new value is on the disk.
  public func nextIncarnation() throws(StateError) -> UInt64 {
    let name = "incarnation"
    var last: UInt64 = 0
    if let bytes = try read(name, atMost: StateRecord.maximumByteCount) {
      guard let record = StateRecord(parsing: bytes), record.values["stt-incarnation"] == "1",
        let value = record.values["last"].flatMap({ UInt64($0) }), value < UInt64.max
      else { throw .damaged(path: "\(path)/\(name)", reason: "the incarnation file is cut or altered") }
      last = value
    }
    try write(name, StateRecord(["stt-incarnation": "1", "last": "\(last + 1)"]).bytes)
    return last + 1
  }
}
