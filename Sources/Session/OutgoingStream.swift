import DequeModule
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

  var byteCount: Int { MessageTime.byteCount + Int(headCount) + Int(bodyCount) }
}

/// A part of a message to be sent again.
struct LostRange {
  var message: UInt64
  var offset: UInt32
  var count: UInt32
}

/// A stream this side sends. It outlives sessions: its messages keep their numbers and stay until
/// they are acknowledged as far as the stream asks for (docs/protocol.md 2.15).
struct OutgoingStream {
  /// Whether the peer in the present session knows the stream.
  enum Opening {
    /// Parts from `next` on were never sent in this session; those in `lost` must go again.
    case sending(next: Int, lost: [Int], unacknowledged: Int)
    case open
  }

  let id: UInt16
  var open: StreamOpen
  var openBytes: [UInt8] = []
  var opening = Opening.sending(next: 0, lost: [], unacknowledged: 0)
  /// Numbers `first ..< first + queue.count`.
  var queue = Deque<OutgoingMessage>()
  var first: UInt64 = 0
  /// The next message to send for the first time in this session, and how much of it went.
  var next: UInt64 = 0
  var nextOffset: UInt32 = 0
  var lost = Deque<LostRange>()
  var delivered: UInt64 = 0
  var durable: UInt64 = 0
  var window: Int
  /// Bytes of messages `delivered ..< next`.
  var outstanding = 0
  var sequence: UInt32 = 0
  /// No further messages will come.
  var isFinishing = false
  var finSent = false
  var finAcknowledged = false
  /// Messages given up before they were ever sent: the queue was full.
  var droppedCount: UInt64 = 0

  init(id: UInt16, open: StreamOpen) {
    self.id = id
    self.open = open
    window = Self.initialWindow(open)
  }

  /// What a receiver always grants before its first acknowledgement (docs/protocol.md 2.15).
  static func initialWindow(_ open: StreamOpen) -> Int { Int(open.largestMessage) + 1 << 20 }
  /// Messages beyond the delivered one that a receiver keeps apart (docs/protocol.md 2.15).
  static let mostGap: UInt64 = 4096

  var end: UInt64 { first + UInt64(queue.count) }
  var isReliable: Bool { open.delivery == .reliable }
  /// Below this nothing is needed any more.
  var releasable: UInt64 {
    switch open.delivery {
    case .reliable, .partial: open.isDurable ? durable : delivered
    case .unreliable, .latest: next
    }
  }

  func message(_ number: UInt64) -> OutgoingMessage { queue[Int(number - first)] }
  func holds(_ number: UInt64) -> Bool { number >= first && number < end }

  /// Whether the next unsent message may begin under the receiver's window.
  var mayBeginNext: Bool {
    guard next < end else { return false }
    guard isReliable else { return true }
    if next >= delivered + Self.mostGap { return false }
    return outstanding == 0 || outstanding + message(next).byteCount <= window
  }

  /// Starts over for a new session: whatever is still here goes again under the same numbers.
  mutating func reset() {
    next = first
    nextOffset = 0
    lost.removeAll(keepingCapacity: true)
    outstanding = 0
    delivered = max(first, isReliable ? min(delivered, first) : first)
    window = Self.initialWindow(open)
    open.firstMessage = first
    openBytes = open.bytes
    opening = .sending(next: 0, lost: [], unacknowledged: 0)
    finSent = false
    finAcknowledged = false
  }

  /// Takes in a stream acknowledgement. `false`: it speaks of messages that were never sent.
  mutating func acknowledge(_ ack: StreamAck) -> Bool {
    guard isReliable, ack.delivered <= end else { return !isReliable }
    if ack.delivered > delivered {
      var number = max(delivered, first)
      while number < min(ack.delivered, next), number < end {
        outstanding -= message(number).byteCount
        number += 1
      }
      delivered = ack.delivered
      // The peer has these from an earlier session.
      if next < delivered {
        next = min(delivered, end)
        nextOffset = 0
      }
    }
    durable = max(durable, min(ack.durable, delivered))
    window = Int(ack.window)
    return true
  }
}
