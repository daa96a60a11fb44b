import BasicContainers
import DequeModule
public import STTBuffers
public import STTWire

/// Everything this side has to say and has not been relieved of yet, over all its streams and
/// across sessions.
public struct Outbox: ~Copyable {
  /// Most streams one side may have (docs/protocol.md 2.15).
  public static let mostStreams = 256

  var streams = UniqueArray<OutgoingStream>()
  var held = HeldBuffers()
  var schedule = Schedule()
  /// Of the streams that have parity.
  var parities = UniqueArray<OutgoingParity>()
  /// Streams of a constant rate.
  private(set) var coverStreams: [Int] = []
  /// Goes up with whatever the owner of the streams does to them: there may be something else to send.
  private(set) var changes: UInt64 = 0
  /// When the next message of a PARTIAL stream stops being wanted, at the earliest.
  var nextExpiry = MonotonicTime.never
  /// Bytes of ordered messages sent in this session and not delivered.
  var outstanding = 0
  /// How many of those the peer is ready to hold over all streams (docs/protocol.md 2.15).
  private(set) var sessionWindow = Int.max
  /// Bytes of messages kept.
  public private(set) var byteCount = 0
  let firstStreamID: UInt16
  private var packing = HeldBuffers.Filling()
  private let addressOnly = AddressOnly()

  /// - Parameter role: the initiator's streams have odd numbers, the responder's even ones.
  public init(role: Role) {
    firstStreamID = role == .initiator ? 1 : 2
  }

  public var streamCount: Int { streams.count }
  /// Leases kept.
  public var leaseCount: Int { held.count }

  /// Adds a stream; the index names it from now on. `nil`: there are 256 already, or it is to have parity
  /// at a constant rate, which has no room for it.
  ///
  /// - Parameters:
  ///   - padding: what observers may learn of the stream.
  ///   - parity: whether the receiver can make up for lost frames by itself; the stream is opened with it.
  public mutating func add(_ open: StreamOpen, padding: Padding = .none, parity: Parity = .none) -> Int? {
    changes &+= 1
    guard streams.count < Self.mostStreams, parity == .none || !padding.isConstantRate else { return nil }
    let index = streams.count
    var stream = OutgoingStream(id: firstStreamID + UInt16(index) * 2, open: open, padding: padding)
    if padding.isConstantRate { coverStreams.append(index) }
    stream.open.forwardErrorCorrection = parity.shape
    if let made = OutgoingParity(stream: index, parity: parity) {
      stream.parityPlace = parities.count
      parities.append(made)
    }
    stream.first = open.firstMessage
    stream.next = open.firstMessage
    stream.delivered = open.firstMessage
    stream.durable = open.firstMessage
    stream.reset()
    streams.append(stream)
    schedule = Schedule((0...index).map { (streams[$0].open.priority, streams[$0].deadline != nil) })
    return index
  }

  /// Adds every message whose payload is told by `next`, all lying in `batch`.
  ///
  /// - Parameter next: answers time, offset and byte count of one payload in `batch` after another.
  /// - Returns: how many messages.
  public mutating func enqueue(
    _ batch: consuming Lease, on stream: Int, next: (borrowing Lease) -> (time: MessageTime, offset: Int, byteCount: Int)?
  ) -> Int {
    let slot = held.hold(batch, references: 1)
    let (count, bytes) = streams[stream].append(of: slot, held, next)
    held.retain(slot, by: count)
    noteAppended(count, bytes, on: stream)
    // The reference of this call itself.
    held.release(slot)
    return count
  }

  /// Adds one message of an optional `head` and a `body`, each filling its lease.
  public mutating func enqueue(time: MessageTime, head: consuming Lease?, body: consuming Lease, on stream: Int) {
    let bodyCount = body.count
    var message = OutgoingMessage(
      time: time, bodySlot: held.hold(body, references: 1), bodyOffset: 0, bodyCount: Int32(bodyCount))
    if let head {
      message.headCount = Int32(head.count)
      message.headSlot = held.hold(head, references: 1)
    }
    append(message, on: stream)
  }

  /// Adds a copy of a small message, packed with others into a buffer from `lease`. For messages that
  /// would each hold a buffer many times their size. `false`: there is no buffer, and nothing happened.
  public mutating func enqueueCopy(
    time: MessageTime, payload: RawSpan, on stream: Int, lease: () -> Lease?
  ) -> Bool {
    guard let place = held.fill(&packing, with: payload, lease: lease) else { return false }
    append(
      OutgoingMessage(
        time: time, bodySlot: place.slot, bodyOffset: place.offset, bodyCount: Int32(payload.byteCount)),
      on: stream)
    return true
  }

  /// The number the next message on `stream` gets.
  public func nextNumber(_ stream: Int) -> UInt64 { streams[stream].end }
  /// Below this every message of `stream` was delivered.
  public func delivered(_ stream: Int) -> UInt64 { streams[stream].delivered }
  /// Below this every message of `stream` is on the collector's disk.
  public func durable(_ stream: Int) -> UInt64 { streams[stream].durable }
  /// Head of the chain of the recording that holds these; `nil` where the collector's have none.
  public func chainHead(_ stream: Int) -> RecordingHead? { streams[stream].chainHead }
  /// Messages of `stream` that were given up: too late, replaced by a newer one, or the link was busy.
  public func dropped(_ stream: Int) -> UInt64 { streams[stream].droppedCount }
  /// Whether nothing is kept any more.
  public var isEmpty: Bool { byteCount == 0 }

  /// No more messages will come on `stream`; its end is told once all are acknowledged.
  public mutating func finish(_ stream: Int) {
    changes &+= 1
    streams[stream].isFinishing = true
  }

  private mutating func append(_ message: OutgoingMessage, on stream: Int) {
    streams[stream].queue.append(message)
    noteAppended(1, message.byteCount, on: stream)
  }

  /// The last `count` messages of `stream`, of so many bytes, are new.
  private mutating func noteAppended(_ count: Int, _ bytes: Int, on stream: Int) {
    guard count > 0 else { return }
    changes &+= 1
    byteCount += bytes
    switch streams[stream].open.delivery {
    case .reliable: break
    case .partial:
      guard let deadline = streams[stream].deadline else { break }
      for number in streams[stream].end - UInt64(count)..<streams[stream].end {
        nextExpiry = min(nextExpiry, Self.expiry(streams[stream].message(number), deadline))
      }
    case .unreliable: dropOldestUnsent(stream)
    case .latest: supersede(stream)
    }
  }

  /// An unreliable stream keeps no more than this many messages waiting for the link.
  static let mostUnreliableWaiting = 256

  private mutating func dropOldestUnsent(_ stream: Int) {
    while streams[stream].queue.count > Self.mostUnreliableWaiting, streams[stream].nextOffset == 0,
      streams[stream].next == streams[stream].first
    {
      streams[stream].next += 1
      streams[stream].droppedCount += 1
      release(stream)
    }
  }

  /// Lets go of what nobody needs any more.
  mutating func release(_ stream: Int) {
    byteCount -= streams[stream].release(from: &held)
  }

  mutating func forget(_ message: OutgoingMessage) {
    byteCount -= message.byteCount
    held.release(message.bodySlot)
    if message.headSlot >= 0 { held.release(message.headSlot) }
  }

  /// Ordered messages of `stream` went out, or were delivered.
  mutating func settle(_ stream: Int, _ byteCount: Int) {
    streams[stream].outstanding += byteCount
    outstanding += byteCount
  }

  /// Takes in what the peer says of `stream`. `false`: it makes no sense.
  mutating func acknowledge(_ stream: Int, _ ack: StreamAck) -> Bool {
    let before = streams[stream].outstanding
    guard streams[stream].acknowledge(ack) else { return false }
    outstanding += streams[stream].outstanding - before
    release(stream)
    return true
  }

  var mostGap: UInt64 { OutgoingStream.mostGap(streamCount: streams.count) }

  /// Room for ordered messages under the peer's session window.
  var sessionRoom: Int { outstanding == 0 ? .max : sessionWindow - outstanding }

  /// A new session begins: everything still here will be sent again.
  mutating func reset(sessionWindow: Int = .max) {
    self.sessionWindow = sessionWindow
    changes &+= 1
    outstanding = 0
    abandonBlocks()
    for index in 0..<streams.count { streams[index].reset() }
  }
}
