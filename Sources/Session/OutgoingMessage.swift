import STTWire

/// One message as the outbox keeps it: its time, and where its bytes lie.
///
/// On the wire a message is `time 16 | head | body`.
struct OutgoingMessage {
  var time: MessageTime
  var headSlot: Int32 = -1
  var headOffset: Int32 = 0
  var headCount: Int32 = 0
  var bodySlot: Int32
  var bodyOffset: Int32
  var bodyCount: Int32

  /// Given up: it keeps its number and nothing else.
  var isCancelled: Bool { bodySlot < 0 }

  var byteCount: Int { isCancelled ? 0 : MessageTime.byteCount + Int(headCount) + Int(bodyCount) }
}

/// A part of a message to be sent again.
struct LostRange {
  var message: UInt64
  var offset: UInt32
  var count: UInt32
}
