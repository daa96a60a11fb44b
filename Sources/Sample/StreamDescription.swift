/// What a source says of its stream before the first message.
public struct StreamDescription: Hashable, Sendable {
  public enum Delivery: UInt8, Hashable, Sendable {
    /// Every message, once, in order.
    case reliable = 0
    /// In order, but a message older than the deadline is given up, and a gap told of.
    case partial = 1
    /// A message lost on the way stays lost.
    case unreliable = 2
    /// A new message replaces older ones that have not left yet.
    case latest = 3
  }

  /// When a message is on the receiver's disk.
  public enum Durability: UInt8, Hashable, Sendable {
    /// After some seconds or megabytes; the device does not wait for it.
    case periodic = 0
    /// Before the device may forget it.
    case durable = 1
    /// When the receiver's kernel writes it, at the latest when its file is closed.
    case volatile = 2
  }

  /// What sizes and times of datagrams may tell an observer.
  public enum Padding: Hashable, Sendable {
    case none
    /// Lengths are multiples of 64 bytes.
    case buckets
    /// So many datagrams of 1200 bytes a second, whether there is something to say or not.
    case constantRate(hertz: Double)
  }

  /// Whether the receiver can make up for lost packets without asking: so many packets of parity for a block of so many.
  public enum ErrorCorrection: Hashable, Sendable {
    case none
    case always(data: Int, parity: Int)
    /// While packets get lost and there is no time to send them again.
    case automatic(data: Int, parity: Int)
  }

  /// Unique on the device; becomes the channel's topic in the recording.
  public var name: String
  public var schema: Schema
  public var delivery: Delivery
  /// For ``Delivery/partial``: how old a message may become, in milliseconds; 0: any age.
  public var deadlineMilliseconds: UInt32
  public var durability: Durability
  /// 0 is the most urgent.
  public var priority: UInt8
  /// The largest message this stream sends, in bytes, times excluded.
  public var maximumMessageByteCount: Int
  /// The set of streams it is recorded with.
  public var purpose: String
  public var padding: Padding
  public var errorCorrection: ErrorCorrection

  public init(
    name: String, schema: Schema, delivery: Delivery = .reliable, deadlineMilliseconds: UInt32 = 0,
    durability: Durability = .durable, priority: UInt8 = 1,
    maximumMessageByteCount: Int = 65_536, purpose: String = "main",
    padding: Padding = .none, errorCorrection: ErrorCorrection = .none
  ) {
    self.name = name
    self.schema = schema
    self.delivery = delivery
    self.deadlineMilliseconds = deadlineMilliseconds
    self.durability = durability
    self.priority = priority
    self.maximumMessageByteCount = maximumMessageByteCount
    self.purpose = purpose
    self.padding = padding
    self.errorCorrection = errorCorrection
  }
}
