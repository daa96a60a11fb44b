import STTBuffers
import STTRecorder
import STTSession
import STTWire

/// What travels from a receive thread to the recording one. Tokens are the receive thread's: another's may be the same.
enum RecorderItem: ~Copyable {
  /// A device opened a stream; `token` names it from now on, and `position` is its next message.
  case opened(token: Int, RecordedStream, position: UInt64)
  /// Small messages, packed by ``DeliveryBatch``.
  case batch(Lease)
  /// One large message; its payload begins after the sixteen bytes of time.
  case message(DeliveryHead, Lease)
  /// `wall`, nanoseconds since 1970, is taken when it happened: a recording's times never run backwards
  /// because a queue was long.
  case event(device: String, purpose: String, RecordingEvent, wall: UInt64)
  case clock(device: String, ClockEstimate, wall: UInt64)
}

/// What is kept of a message beside its payload.
struct DeliveryHead {
  var token: Int
  var number: UInt64
  var time: MessageTime
  /// Nanoseconds since 1970, by the collector's clock.
  var received: UInt64
}

/// Everything of a token below `number` is on disk, in a recording whose chain has `head`.
struct DurableMark: Sendable {
  var token: Int
  var number: UInt64
  var head: RecordingHead?
}
