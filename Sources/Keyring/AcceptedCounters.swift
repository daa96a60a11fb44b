import Glibc
import STTChecksum

/// The collector's memory of the last handshake counter it accepted from every pair.
///
/// A counter is noted, then committed, and FINAL goes out only after the commit: so the value on the
/// disk is never below one that opened a session, and after a crash a replayed HELLO meets its own
/// counter or a higher one and gets no answer. Reserving values ahead, as the device does, would be
/// cheaper and wrong here: after a crash the collector would refuse the values it had reserved, and a
/// device repeats its counter until it is answered. One commit serves every handshake of a batch of
/// datagrams, so the cost is one `fdatasync` a batch and not one a device. (AUTH_PROOF needs no
/// such memory: the key of its biscuit dies with the process.)
///
/// On disk: a log of commits, each `count u32 | crc32 u32 | count records of 76 bytes`, rewritten
/// with one record a pair when opened and when it has grown past ``compactionByteCount``.
public struct AcceptedCounters: ~Copyable {
  /// About 14,000 handshakes.
  static let compactionByteCount = 1 << 20
  /// A commit of more records is cut in several, so that what a crash can tear is bounded.
  static let batchLimit = 512
  static let fileName = "accepted-counters"
  static let magic = Array("STTACC1\n".utf8)
  private static let maximumByteCount = 1 << 28

  private let directory: StateDirectory
  private var file: CInt = -1
  private var byteCount = 0
  private var last: [PairKey: UInt64] = [:]
  private var pending: [PairKey] = []

  /// Reads the log, or begins it. Blocks on the disk.
  public init(in directory: StateDirectory) throws(StateError) {
    self.directory = directory
    if let bytes = try directory.read(Self.fileName, atMost: Self.maximumByteCount) {
      last = try AcceptedCounterLog.parse(bytes, path: "\(directory.path)/\(Self.fileName)")
    }
    try rewrite()
  }

  deinit {
    if file >= 0 { close(file) }
  }

  /// The highest counter accepted from `pair`, or 0.
  public func last(of pair: PairKey) -> UInt64 { last[pair] ?? 0 }

  /// Whether everything noted is on the disk.
  public var isCommitted: Bool { pending.isEmpty }

  /// Takes `counter` as accepted, in memory. `false`, and nothing changes, when it is not above the
  /// last one.
  public mutating func note(_ counter: UInt64, from pair: PairKey) -> Bool {
    guard counter > last(of: pair) else { return false }
    last[pair] = counter
    if !pending.contains(pair) { pending.append(pair) }
    return true
  }

  /// Writes what was noted and waits for the disk. Until it returns, no FINAL for a noted counter may
  /// leave. After an error everything stays noted, and the next call tries again.
  public mutating func commit() throws(StateError) {
    guard !pending.isEmpty else { return }
    if byteCount > Self.compactionByteCount {
      try rewrite()
    } else {
      // One sync a batch: a crash tears the last batch and no earlier one.
      for start in stride(from: 0, to: pending.count, by: Self.batchLimit) {
        let batch = pending[start..<min(pending.count, start + Self.batchLimit)]
        let code = append(AcceptedCounterLog.bytes(batch.map { ($0, last(of: $0)) }))
        if code == 0 { continue }
        // A half-written batch must not stand in the middle of the log.
        try rewrite()
        break
      }
    }
    pending.removeAll(keepingCapacity: true)
  }

  /// 0 or errno.
  private mutating func append(_ bytes: [UInt8]) -> CInt {
    let code = bytes.withUnsafeBytes { writeAll($0, to: file) }
    if code != 0 { return code }
    byteCount += bytes.count
    return fdatasync(file) == 0 ? 0 : errno
  }

  private mutating func rewrite() throws(StateError) {
    let bytes = Self.magic + AcceptedCounterLog.bytes(last.map { ($0.key, $0.value) })
    try directory.write(Self.fileName, bytes)
    let new = openat(directory.descriptor, Self.fileName, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
    guard new >= 0 else { throw .cannotWrite(path: "\(directory.path)/\(Self.fileName)", code: errno) }
    if file >= 0 { close(file) }
    file = new
    byteCount = bytes.count
  }
}

/// The bytes of ``AcceptedCounters``' log.
enum AcceptedCounterLog {
  static let recordByteCount = 32 + 32 + 4 + 8
  static let batchHeaderByteCount = 8

  static func bytes(_ records: [(PairKey, UInt64)]) -> [UInt8] {
    var result: [UInt8] = []
    var start = 0
    while start < records.count {
      let batch = records[start..<min(records.count, start + AcceptedCounters.batchLimit)]
      var body: [UInt8] = []
      body.reserveCapacity(batch.count * recordByteCount)
      for (pair, counter) in batch {
        body += pair.deviceID + pair.collectorID + littleEndian(pair.epoch) + littleEndian(counter)
      }
      result += littleEndian(UInt32(batch.count)) + littleEndian(check(UInt32(batch.count), body[...])) + body
      start += batch.count
    }
    return result
  }

  /// Every pair's highest counter. A torn commit at the end is what a crash leaves, and was never
  /// answered with FINAL; damage with more than one commit's bytes behind it is refused.
  static func parse(_ bytes: [UInt8], path: String) throws(StateError) -> [PairKey: UInt64] {
    guard bytes.starts(with: AcceptedCounters.magic) else {
      throw .damaged(path: path, reason: "the file does not begin as a list of accepted counters")
    }
    var result: [PairKey: UInt64] = [:]
    var rest = bytes[AcceptedCounters.magic.count...]
    while !rest.isEmpty {
      guard let batch = firstBatch(rest) else {
        let most = batchHeaderByteCount + AcceptedCounters.batchLimit * recordByteCount
        if rest.count <= most { return result }
        throw .damaged(path: path, reason: "the list of accepted counters is altered at byte \(rest.startIndex)")
      }
      var records = batch
      while let record = records.isEmpty ? nil : records.prefix(recordByteCount) {
        let start = record.startIndex
        let pair = PairKey(
          deviceID: Array(record[start..<start + 32]), collectorID: Array(record[start + 32..<start + 64]),
          epoch: UInt32(integer(record[start + 64..<start + 68])))
        result[pair] = max(result[pair] ?? 0, integer(record[start + 68..<start + 76]))
        records = records.dropFirst(recordByteCount)
      }
      rest = rest[batch.endIndex...]
    }
    return result
  }

  /// The records of the batch at the start, or `nil` when it is cut or altered.
  private static func firstBatch(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard bytes.count >= batchHeaderByteCount else { return nil }
    let start = bytes.startIndex
    let count = UInt32(integer(bytes[start..<start + 4]))
    guard count >= 1, count <= AcceptedCounters.batchLimit else { return nil }
    let body = bytes[(start + batchHeaderByteCount)...].prefix(Int(count) * recordByteCount)
    guard body.count == Int(count) * recordByteCount, integer(bytes[start + 4..<start + 8]) == UInt64(check(count, body))
    else { return nil }
    return body
  }

  private static func check(_ count: UInt32, _ body: ArraySlice<UInt8>) -> UInt32 {
    var crc = CRC32()
    withUnsafeBytes(of: count.littleEndian) { crc.update(unsafe: $0) }
    body.withUnsafeBytes { crc.update(unsafe: $0) }
    return crc.value
  }

  private static func littleEndian<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
