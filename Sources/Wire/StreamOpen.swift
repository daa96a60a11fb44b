/// How a stream treats loss (docs/protocol.md 2.15).
public enum DeliveryClass: UInt8, Hashable, Sendable {
  /// Every message exactly once, in order.
  case reliable = 0
  /// Dropped when its deadline has passed.
  case partial = 1
  /// Lost messages stay lost.
  case unreliable = 2
  /// A new message cancels unsent older ones.
  case latest = 3
}

/// When a stream's messages are on the collector's disk, and what its device waits for (docs/recording.md).
public enum Durability: UInt8, Hashable, Sendable {
  /// After a number of seconds or bytes; the device does not wait for it.
  case periodic = 0
  /// Before the device may forget them.
  case durable = 1
  /// When the collector's kernel writes them, at the latest when their file is closed.
  case volatile = 2
}

/// STREAM_OPEN: everything the receiver must know of a stream (docs/protocol.md 2.15).
///
/// `max_message u32 | class u8 | durability u8 | priority u8 | fec u8 | deadline_ms u32 |
/// stream_uid 16 | incarnation u64 | first_message u64 | name | encoding | schema name |
/// schema data | purpose`; texts and data as `length u16 | bytes`. Larger than a datagram, it travels
/// in parts, like a message (docs/protocol.md 2.15), and is resent until acknowledged.
public struct StreamOpen: Hashable, Sendable {
  public static let longestText = 255
  public static let largestSchema = 60_000

  public var largestMessage: UInt32
  public var delivery: DeliveryClass
  public var durability: Durability
  public var priority: UInt8
  /// The largest blocks of parity the stream will have; `nil`: it has none.
  public var forwardErrorCorrection: ParityShape?
  public var deadlineMilliseconds: UInt32
  /// Names the stream for ever, together with `incarnation`.
  public var uid: StreamUID
  public var incarnation: UInt64
  public var firstMessage: UInt64
  public var name: String
  public var schemaEncoding: String
  public var schemaName: String
  public var schemaData: [UInt8]
  public var purpose: String

  public init(
    largestMessage: UInt32, delivery: DeliveryClass, durability: Durability, priority: UInt8,
    forwardErrorCorrection: ParityShape? = nil, deadlineMilliseconds: UInt32 = 0, uid: StreamUID, incarnation: UInt64,
    firstMessage: UInt64, name: String, schemaEncoding: String, schemaName: String, schemaData: [UInt8],
    purpose: String
  ) {
    self.largestMessage = largestMessage
    self.delivery = delivery
    self.durability = durability
    self.priority = priority
    self.forwardErrorCorrection = forwardErrorCorrection
    self.deadlineMilliseconds = deadlineMilliseconds
    self.uid = uid
    self.incarnation = incarnation
    self.firstMessage = firstMessage
    self.name = name
    self.schemaEncoding = schemaEncoding
    self.schemaName = schemaName
    self.schemaData = schemaData
    self.purpose = purpose
  }

  public init(_ reader: inout ByteReader) throws(WireError) {
    largestMessage = try reader.u32()
    guard largestMessage > 0, largestMessage <= UInt32(DataPrefix.largestMessage) else { throw .invalidValue }
    guard let delivery = DeliveryClass(rawValue: try reader.u8()) else { throw .invalidValue }
    self.delivery = delivery
    guard let durability = Durability(rawValue: try reader.u8()) else { throw .invalidValue }
    self.durability = durability
    priority = try reader.u8()
    let shape = try reader.u8()
    forwardErrorCorrection = ParityShape(byte: shape)
    guard shape == 0 || forwardErrorCorrection != nil else { throw .invalidValue }
    deadlineMilliseconds = try reader.u32()
    uid = StreamUID(high: try reader.u64(), low: try reader.u64())
    incarnation = try reader.u64()
    firstMessage = try reader.messageNumber()
    name = try Self.text(&reader)
    schemaEncoding = try Self.text(&reader)
    schemaName = try Self.text(&reader)
    let schemaByteCount = Int(try reader.u16())
    guard schemaByteCount <= Self.largestSchema else { throw .invalidValue }
    schemaData = try reader.array(schemaByteCount)
    purpose = try Self.text(&reader)
    guard reader.left == 0 else { throw .trailingBytes }
  }

  public var isDurable: Bool { durability == .durable }

  public var bytes: [UInt8] {
    let texts = name.utf8.count + schemaEncoding.utf8.count + schemaName.utf8.count + purpose.utf8.count
    return ByteWriter.array(capacity: 54 + texts + schemaData.count) { writer in
      writer.u32(largestMessage)
      writer.u8(delivery.rawValue)
      writer.u8(durability.rawValue)
      writer.u8(priority)
      writer.u8(forwardErrorCorrection?.byte ?? 0)
      writer.u32(deadlineMilliseconds)
      writer.u64(uid.high)
      writer.u64(uid.low)
      writer.u64(incarnation)
      writer.u64(firstMessage)
      Self.write(name, &writer)
      Self.write(schemaEncoding, &writer)
      Self.write(schemaName, &writer)
      writer.u16(UInt16(truncatingIfNeeded: schemaData.count))
      writer.bytes(schemaData)
      Self.write(purpose, &writer)
    }
  }

  private static func text(_ reader: inout ByteReader) throws(WireError) -> String {
    let length = Int(try reader.u16())
    guard length <= longestText else { throw .invalidValue }
    guard let text = String(validating: try reader.array(length), as: UTF8.self) else { throw .notUTF8 }
    return text
  }

  private static func write(_ text: String, _ writer: inout ByteWriter) {
    let utf8 = Array(text.utf8)
    writer.u16(UInt16(truncatingIfNeeded: utf8.count))
    writer.bytes(utf8)
  }
}

/// Sixteen random bytes, chosen once for a stream and kept for ever.
public struct StreamUID: Hashable, Sendable {
  public var high: UInt64
  public var low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}
