public import STTSample

/// A stream as the recorder keeps it.
public struct RecordedStream: Hashable, Sendable {
  public var device: String
  public var name: String
  public var uid: String
  public var incarnation: UInt64
  public var purpose: String
  public var schema: Schema
  /// As the configuration calls it: `reliable`, `partial`, `unreliable` or `latest`.
  public var delivery: String
  public var durability: Durability

  public init(
    device: String, name: String, uid: String, incarnation: UInt64, purpose: String, schema: Schema, delivery: String,
    durability: Durability
  ) {
    self.device = device
    self.name = name
    self.uid = uid
    self.incarnation = incarnation
    self.purpose = purpose
    self.schema = schema
    self.delivery = delivery
    self.durability = durability
  }

  /// When a message is on the disk.
  public enum Durability: String, Hashable, Sendable {
    /// Before its device is told so, after the sync interval at most.
    case durable
    /// After a longer interval, or a number of bytes.
    case periodic
    /// When the kernel likes, and when its segment is closed.
    case volatile
  }

  /// Pictures don't get smaller.
  var compresses: Bool { !schema.name.hasPrefix("foxglove.") }

  var metadata: [String: String] {
    [
      "stt.device": device, "stt.stream_uid": uid, "stt.incarnation": String(incarnation),
      "stt.delivery": delivery, "stt.durability": durability.rawValue,
      "stt.purpose": purpose,
    ]
  }
}

/// How far a stream was recorded, as found on disk.
public struct RecordedPosition: Hashable, Sendable {
  public var device: String
  public var uid: String
  public var incarnation: UInt64
  /// One past the last message.
  public var position: UInt64
}

/// A line of the recording about the recording.
public struct RecordingEvent: Sendable {
  public var kind: String
  public var stream: String
  public var detail: String
  public var count: UInt64

  public init(kind: String, stream: String = "", detail: String = "", count: UInt64 = 0) {
    self.kind = kind
    self.stream = stream
    self.detail = detail
    self.count = count
  }
}
