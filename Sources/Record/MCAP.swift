/// The MCAP container, version 0 (https://mcap.dev/spec): numbers and record values.
public enum MCAP {
  public static let magic: [UInt8] = [0x89, 0x4D, 0x43, 0x41, 0x50, 0x30, 0x0D, 0x0A]
  /// Opcode and length before every record.
  static let recordHeadByteCount = 9
  /// What of a message record is before its payload.
  static let messageHeadByteCount = 31
  /// From a chunk record's beginning to its data, where that is not compressed.
  static let plainChunkHeadByteCount = recordHeadByteCount + 40

  enum Opcode {
    static let header: UInt8 = 0x01
    static let footer: UInt8 = 0x02
    static let schema: UInt8 = 0x03
    static let channel: UInt8 = 0x04
    static let message: UInt8 = 0x05
    static let chunk: UInt8 = 0x06
    static let messageIndex: UInt8 = 0x07
    static let chunkIndex: UInt8 = 0x08
    static let attachment: UInt8 = 0x09
    static let attachmentIndex: UInt8 = 0x0A
    static let statistics: UInt8 = 0x0B
    static let metadata: UInt8 = 0x0C
    static let metadataIndex: UInt8 = 0x0D
    static let summaryOffset: UInt8 = 0x0E
    static let dataEnd: UInt8 = 0x0F
    /// Ours, from the range left to applications: who each message of the chunk before is. Other
    /// readers skip it.
    static let identities: UInt8 = 0x80
    /// Ours: a link of the chain.
    static let seal: UInt8 = 0x81
    /// Ours: how far each stream of the chunk before goes, for the collector alone.
    static let positions: UInt8 = 0x82
  }
}

/// What explains a channel's messages.
public struct RecordedSchema: Hashable, Sendable {
  /// 1 and up; 0 means a channel has none.
  public var id: UInt16
  public var name: String
  public var encoding: String
  public var data: [UInt8]

  public init(id: UInt16, name: String, encoding: String, data: [UInt8]) {
    self.id = id
    self.name = name
    self.encoding = encoding
    self.data = data
  }

  init?(_ cursor: inout RecordCursor) {
    guard let id = cursor.u16(), id != 0, let name = cursor.text(), let encoding = cursor.text(),
      let data = cursor.sized()
    else { return nil }
    self.init(id: id, name: name, encoding: encoding, data: data)
  }
}

/// One stream of one device in a file.
public struct RecordedChannel: Hashable, Sendable {
  public var id: UInt16
  public var schema: UInt16
  public var topic: String
  public var messageEncoding: String
  public var metadata: [String: String]

  public init(id: UInt16, schema: UInt16, topic: String, messageEncoding: String, metadata: [String: String]) {
    self.id = id
    self.schema = schema
    self.topic = topic
    self.messageEncoding = messageEncoding
    self.metadata = metadata
  }

  init?(_ cursor: inout RecordCursor) {
    guard let id = cursor.u16(), let schema = cursor.u16(), let topic = cursor.text(),
      let encoding = cursor.text(), let metadata = cursor.texts()
    else { return nil }
    self.init(id: id, schema: schema, topic: topic, messageEncoding: encoding, metadata: metadata)
  }
}

/// Where a chunk lies and what it spans.
struct ChunkIndexEntry: Hashable, Sendable {
  var startTime: UInt64
  var endTime: UInt64
  var offset: UInt64
  var byteCount: UInt64
  var messageIndexOffsets: [(channel: UInt16, offset: UInt64)] = []
  var messageIndexByteCount: UInt64
  var compression: String
  var compressedByteCount: UInt64
  var uncompressedByteCount: UInt64

  static func == (left: Self, right: Self) -> Bool { left.offset == right.offset }
  func hash(into hasher: inout Hasher) { hasher.combine(offset) }
}

extension ChunkIndexEntry {
  init?(_ cursor: inout RecordCursor) {
    guard let start = cursor.u64(), let end = cursor.u64(), let offset = cursor.u64(), let byteCount = cursor.u64(),
      let length = cursor.u32(), Int(length) <= cursor.left, length.isMultiple(of: 10)
    else { return nil }
    var indexes: [(channel: UInt16, offset: UInt64)] = []
    for _ in 0..<(length / 10) {
      guard let channel = cursor.u16(), let place = cursor.u64() else { return nil }
      indexes.append((channel, place))
    }
    guard let indexByteCount = cursor.u64(), let compression = cursor.text(), let compressed = cursor.u64(),
      let uncompressed = cursor.u64()
    else { return nil }
    self.init(
      startTime: start, endTime: end, offset: offset, byteCount: byteCount, messageIndexOffsets: indexes,
      messageIndexByteCount: indexByteCount, compression: compression, compressedByteCount: compressed,
      uncompressedByteCount: uncompressed)
  }
}

/// Where a metadata record lies.
struct MetadataIndexEntry: Hashable, Sendable {
  var offset: UInt64
  var byteCount: UInt64
  var name: String
}

/// A file kept inside the file.
struct RecordedAttachment: Hashable, Sendable {
  var logTime: UInt64
  var createTime: UInt64
  var name: String
  var mediaType: String
  var data: [UInt8]
}

/// Where an attachment lies.
struct AttachmentIndexEntry: Hashable, Sendable {
  var offset: UInt64
  var byteCount: UInt64
  var logTime: UInt64
  var createTime: UInt64
  var dataByteCount: UInt64
  var name: String
  var mediaType: String
}
