public import STTBuffers
public import STTWire

/// What a receiver answers to a new stream.
public struct StreamAdmission: Hashable, Sendable {
  /// Names the stream in every later call.
  public var token: Int
  /// The first message that is not recorded yet; earlier ones are acknowledged without delivery.
  public var position: UInt64
  /// Below this everything is already safe on disk.
  public var durable: UInt64

  public init(token: Int, position: UInt64, durable: UInt64) {
    self.token = token
    self.position = position
    self.durable = durable
  }
}

/// Takes what a session receives. A generic argument of every receiving call: nothing is allocated
/// or counted per message.
public protocol MessageSink: ~Copyable {
  /// A stream opened. `nil` refuses it: the session ends with a protocol violation.
  mutating func opened(_ open: StreamOpen) -> StreamAdmission?
  /// A whole message that lies in the datagram it came in, or beside others that waited for an earlier one; `payload` is without
  /// its time, and lent for this call. Tens of thousands may follow from one datagram.
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan)
  /// A whole message in a buffer of its own; the payload begins at byte ``MessageTime/byteCount``.
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease)
  /// Messages that will never come, and why.
  mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8)
  /// The sender finished the stream; `end` is one past its last message.
  mutating func ended(token: Int, end: UInt64)
  /// Whether there is room for one more now. While not, messages are neither taken nor acknowledged, and
  /// their sender sends them again: a full disk at the end of the line becomes patience at its start. Asked before each;
  /// messages that had arrived already go on with the session's next datagram, or with ``Session/resume(into:)``.
  var isAccepting: Bool { get }
  /// Memory for a message of `byteCount` bytes, or `nil` when there is none now: its packets count
  /// as lost and come again.
  mutating func lease(atLeast byteCount: Int) -> Lease?
}
