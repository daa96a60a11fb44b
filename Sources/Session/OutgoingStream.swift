import DequeModule
import STTBuffers
import STTWire

/// A stream this side sends. It outlives sessions: its messages keep their numbers and stay until
/// they are acknowledged as far as the stream asks for (docs/protocol.md 2.15).
struct OutgoingStream: ~Copyable {
  /// Whether the peer in the present session knows the stream.
  enum Opening {
    /// Parts from `next` on were never sent in this session; those in `lost` must go again.
    case sending(next: Int, lost: [Int], unacknowledged: Int)
    case open
  }

  let id: UInt16
  var open: StreamOpen
  let padding: Padding
  /// Where the stream's parity is in the outbox, or -1: it has none.
  var parityPlace = -1
  /// When the next datagram of a constant rate is due.
  var coverDue = MonotonicTime(nanoseconds: 0)
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
  /// Head of the recording's chain, as it came with `durable`.
  var chainHead: RecordingHead?
  var window: Int
  /// Bytes of messages `delivered ..< next`.
  var outstanding = 0
  var sequence: UInt32 = 0
  /// The receiver was told in this session not to wait for anything below.
  var skipSent: UInt64 = 0
  /// No further messages will come.
  var isFinishing = false
  var finSent = false
  var finAcknowledged = false
  /// Messages given up: their deadline passed, a newer one replaced them, or the queue was full.
  var droppedCount: UInt64 = 0
  private let addressOnly = AddressOnly()

  init(id: UInt16, open: StreamOpen, padding: Padding) {
    self.id = id
    self.open = open
    self.padding = padding
    window = Self.initialWindow(open)
  }

  /// What a receiver always grants before its first acknowledgement (docs/protocol.md 2.15).
  static func initialWindow(_ open: StreamOpen) -> Int { Int(open.largestMessage) + 1 << 20 }

  /// Messages of an ordered stream that may be on their way, where a session has so many streams (docs/protocol.md 2.15).
  static func mostGap(streamCount: Int) -> UInt64 { max(4096, min(32_768, 131_072 / UInt64(max(1, streamCount)))) }

  var end: UInt64 { first + UInt64(queue.count) }
  /// Delivered in order, and lost parts are sent again.
  var isOrdered: Bool { open.delivery.isOrdered }
  /// Nanoseconds from a message's time to when nobody wants it any more; `nil`: never.
  var deadline: UInt64? {
    open.delivery == .partial && open.deadlineMilliseconds > 0
      ? .milliseconds(UInt64(open.deadlineMilliseconds)) : nil
  }

  /// Below this nothing is needed any more.
  var releasable: UInt64 {
    switch open.delivery {
    case .reliable, .partial: open.isDurable ? durable : delivered
    case .unreliable: next
    case .latest: max(delivered, queue.isEmpty ? first : end - 1)
    }
  }

  func message(_ number: UInt64) -> OutgoingMessage { queue[Int(number - first)] }
  func holds(_ number: UInt64) -> Bool { number >= first && number < end }

  /// Whether a lost part of message `number` is still worth sending.
  func wants(_ number: UInt64) -> Bool {
    guard number >= delivered, holds(number), !message(number).isCancelled else { return false }
    switch open.delivery {
    case .reliable, .partial: return true
    case .unreliable: return false
    case .latest: return number == end - 1
    }
  }

  /// Whether the next unsent message may begin under the receiver's windows.
  func mayBeginNext(sessionRoom: Int, mostGap: UInt64) -> Bool {
    guard next < end else { return false }
    guard isOrdered else { return true }
    if next >= delivered + mostGap { return false }
    let byteCount = message(next).byteCount
    return outstanding == 0 || (outstanding + byteCount <= window && byteCount <= sessionRoom)
  }

  /// Whether messages the receiver waits for were given up; answers the first one that was not.
  var skipTarget: UInt64? {
    guard isOrdered, holds(delivered), message(delivered).isCancelled else { return nil }
    var target = delivered + 1
    while target < end, message(target).isCancelled { target += 1 }
    return target > skipSent ? target : nil
  }

  /// Starts over for a new session: whatever is still here goes again under the same numbers.
  mutating func reset() {
    next = first
    nextOffset = 0
    lost.removeAll(keepingCapacity: true)
    outstanding = 0
    delivered = max(first, isOrdered ? min(delivered, first) : first)
    window = Self.initialWindow(open)
    open.firstMessage = first
    openBytes = open.bytes
    opening = .sending(next: 0, lost: [], unacknowledged: 0)
    finSent = false
    finAcknowledged = false
    skipSent = 0
  }

  /// Takes in a stream acknowledgement. `false`: it speaks of messages that were never sent.
  mutating func acknowledge(_ ack: StreamAck) -> Bool {
    guard open.delivery != .unreliable else { return true }
    guard ack.delivered <= end else { return false }
    if ack.delivered > delivered {
      if isOrdered {
        var number = max(delivered, first)
        while number < min(ack.delivered, next), number < end {
          outstanding -= message(number).byteCount
          number += 1
        }
      }
      delivered = ack.delivered
      // The peer has these from an earlier session.
      if next < delivered {
        next = min(delivered, end)
        nextOffset = 0
      }
    }
    // An acknowledgement that was overtaken on its way says nothing new, of the chain neither.
    if let head = ack.chainHead, ack.durable > durable || chainHead == nil { chainHead = head }
    durable = max(durable, min(ack.durable, delivered))
    window = Int(ack.window)
    return true
  }
}

extension DeliveryClass {
  /// Whether messages are delivered in order, and a gap must be told of before what follows is.
  public var isOrdered: Bool { self == .reliable || self == .partial }
}
