import STTChecksum

/// A seal as it lies in the file: `number u64 | head before 32 | SHA-256 of all bytes since the last seal
/// 32 | code 32 | crc32 u32`. The head after it is SHA-256 over the first three.
///
/// A torn code would be found by nobody but a recipient: the checksum is for recovery, which has no key to it.
struct ChainSeal: Equatable {
  static let byteCount = 108
  /// As written before there was a checksum.
  private static let shortByteCount = 104

  var number: UInt64
  var before: [UInt8]
  var digest: [UInt8]

  /// What is hashed and attested.
  var bytes: [UInt8] { littleEndian(number) + before + digest }

  init(number: UInt64, before: [UInt8], digest: [UInt8]) {
    self.number = number
    self.before = before
    self.digest = digest
  }

  /// Takes a record apart, into the seal and its code.
  static func read(_ record: UnsafeRawBufferPointer) -> (seal: ChainSeal, code: [UInt8])? {
    guard record.count == shortByteCount || record.count == byteCount && isSound(record) else { return nil }
    let number = UInt64(littleEndian: record.loadUnaligned(as: UInt64.self))
    return (
      ChainSeal(number: number, before: Array(record[8..<40]), digest: Array(record[40..<72])), Array(record[72..<104])
    )
  }
}

extension ChainSeal {
  private static func isSound(_ record: UnsafeRawBufferPointer) -> Bool {
    var crc = CRC32()
    crc.update(unsafe: UnsafeRawBufferPointer(rebasing: record[..<shortByteCount]))
    return crc.value == UInt32(littleEndian: record.loadUnaligned(fromByteOffset: shortByteCount, as: UInt32.self))
  }

  /// The record with its code and checksum.
  func write(code: [UInt8], into store: inout ByteStore) {
    let start = store.count
    store.bytes(bytes)
    store.bytes(code)
    var crc = CRC32()
    crc.update(unsafe: UnsafeRawBufferPointer(rebasing: store.unsafeBytes[start...]))
    store.u32(crc.value)
  }
}

/// What binds a batch to its place: segment, channel, number, the times of its first and last message,
/// and the head of the chain before it.
func batchPlace(segment: [UInt8], channel: UInt16, number: UInt64, first: UInt64, last: UInt64, head: [UInt8]) -> [UInt8] {
  segment + [UInt8(truncatingIfNeeded: channel), UInt8(truncatingIfNeeded: channel >> 8)] + littleEndian(number)
    + littleEndian(first) + littleEndian(last) + head
}

func littleEndian(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) } }

/// The channel every sealed batch is on. It tells nothing of any stream.
enum SealedChannel {
  static let encoding = "stt-sealed"
  static let channel = RecordedChannel(id: 0, schema: 0, topic: "stt/sealed", messageEncoding: encoding, metadata: [:])
}

extension RecordedChannel {
  /// `uid:incarnation` of a device's stream; `nil` for the recorder's own channels.
  public var positionKey: String? {
    guard let uid = metadata["stt.stream_uid"], let incarnation = metadata["stt.incarnation"] else { return nil }
    return "\(uid):\(incarnation)"
  }
}

/// Positions as bytes, for sealing.
public enum PositionList {
  public static func bytes(_ positions: [String: UInt64]) -> [UInt8] {
    var store = ByteStore(capacity: 4096)
    store.texts(positions.mapValues { String($0) })
    return [UInt8](store.unsafeBytes)
  }

  public static func positions(_ bytes: [UInt8]) -> [String: UInt64]? {
    var cursor = RecordCursor(bytes.span.bytes)
    guard let texts = cursor.texts(), cursor.left == 0 else { return nil }
    return texts.compactMapValues { UInt64($0) }
  }
}
