import LinuxEvents
import STTBuffers
import STTIngest
import STTRecorder
import STTSample
import STTSession
import STTWire
import Synchronization

/// What a receive thread does with messages: packs small ones, passes large ones on, and keeps
/// the ledger.
struct RecordingSink: CollectorSink, ~Copyable {
  /// What one datagram of small messages may need once unpacked: each grows by less than half.
  private static let batchRoom = 98_304
  private static let batchByteCount = 262_144

  private let pool: BufferPool
  private let lane: RecorderLane
  private let channel: RecorderChannel
  private let deviceNames: [String]
  private let largestMessage: Int
  private let tally: Tally
  var ledger = StreamLedger()
  private var batch: DeliveryBatch?
  private var peer = 0
  private var session = 0
  /// Wall time of the datagrams being taken.
  var wall: UInt64 = 0
  private(set) var isAccepting = false
  private var pushed = false

  init(
    pool: BufferPool, lane: RecorderLane, channel: RecorderChannel, deviceNames: [String], largestMessage: Int,
    tally: Tally
  ) {
    self.pool = pool
    self.lane = lane
    self.channel = channel
    self.deviceNames = deviceNames
    self.largestMessage = largestMessage
    self.tally = tally
  }

  /// Before each datagram: is there room for whatever it may hold?
  mutating func prepare() {
    if batch?.fits(Self.batchRoom) != true {
      flush()
      beginBatch()
    }
    isAccepting = batch != nil && lane.hasRoom
  }

  /// After each batch of datagrams: the recorder gets what there is.
  mutating func flush() {
    if batch?.isEmpty == false, let filled = batch.take() {
      push(.batch(filled.finish()))
      // Until the next `prepare`.
      isAccepting = false
    }
    if pushed {
      channel.toRecorder.signal()
      pushed = false
    }
  }

  /// - Parameter wall: when it happened, nanoseconds since 1970; not before messages already taken.
  ///
  /// While the recorder takes nothing, events are the only thing that still comes: the last room of the ring is not
  /// theirs, and what finds none is counted.
  mutating func note(_ event: RecordingEvent, device: Int, wall: UInt64) {
    guard lane.hasRoomToGoOn else { return tally.skippedEvent() }
    pushBatch()
    push(.event(device: deviceNames[device], purpose: "main", event, wall: wall))
  }

  /// Another estimate comes in ten seconds.
  mutating func noteClock(_ estimate: ClockEstimate, device: Int, wall: UInt64) {
    guard lane.hasRoomToGoOn else { return }
    pushBatch()
    push(.clock(device: deviceNames[device], estimate, wall: wall))
  }

  private mutating func push(_ item: consuming RecorderItem) {
    pushed = true
    // There is room as long as this sink accepts, and events leave some.
    var refused = lane.items.push(item)
    if !lane.hasRoomToGoOn { isAccepting = false }
    while let again = refused.take() {
      // The recorder may have ended meanwhile, or end without taking more.
      if channel.isStopping.load(ordering: .acquiring) { return }
      channel.toRecorder.signal()
      refused = lane.items.push(again)
    }
  }

  mutating func select(peer: Int, session: Int) {
    self.peer = peer
    self.session = session
  }

  mutating func opened(_ open: StreamOpen) -> StreamAdmission? {
    guard Int(open.largestMessage) <= largestMessage else { return nil }
    let key = StreamLedger.Key(device: deviceNames[peer], uid: open.uid, incarnation: open.incarnation)
    let token = ledger.token(of: key, first: open.firstMessage)
    ledger.opened(token, name: open.name, session: session)
    let entry = ledger.entries[token]
    let stream = RecordedStream(
      device: deviceNames[peer], name: open.name, uid: open.uid.text, incarnation: open.incarnation,
      purpose: open.purpose, schema: Schema(encoding: open.schemaEncoding, name: open.schemaName, data: open.schemaData),
      delivery: "\(open.delivery)", durability: RecordedStream.Durability(open.durability))
    pushBatch()
    push(.opened(token: token, stream, position: entry.position))
    return StreamAdmission(token: token, position: entry.position, durable: entry.durable)
  }

  mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {
    precondition(batch != nil, "messages come while this sink accepts")
    count(token, number, payload.byteCount)
    batch?.append(DeliveryHead(token: token, number: number, time: time, received: wall), payload)
    if batch?.fits(FrameHeader.largestDatagram) != true { pushBatch() }
  }

  mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {
    count(token, number, message.count - MessageTime.byteCount)
    // Order within a stream: what was packed before goes first.
    pushBatch()
    push(.message(DeliveryHead(token: token, number: number, time: time, received: wall), message))
  }

  private mutating func pushBatch() {
    guard batch?.isEmpty == false, let filled = batch.take() else { return }
    push(.batch(filled.finish()))
    beginBatch()
    if batch == nil { isAccepting = false }
  }

  private mutating func beginBatch() {
    if let lease = pool.lease(atLeast: Self.batchByteCount) {
      batch = DeliveryBatch(lease)
    } else {
      batch = nil
    }
  }

  private mutating func count(_ token: Int, _ number: UInt64, _ byteCount: Int) {
    ledger.delivered(token, number)
    tally.count(device: peer, byteCount: byteCount)
  }

  mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {
    ledger.skipped(token, to: numbers.upperBound)
    tally.skipped(numbers.count)
    note(
      RecordingEvent(
        kind: "gap", stream: ledger.name(of: token), detail: "messages \(numbers.lowerBound) to \(numbers.upperBound - 1)",
        count: UInt64(numbers.count)), device: peer, wall: wall)
  }

  mutating func ended(token: Int, end: UInt64) {}

  mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }
}

extension StreamUID {
  /// 32 hexadecimal digits.
  var text: String { Self.digits(high) + Self.digits(low) }

  init?(text: String) {
    guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
      let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(high: high, low: low)
  }

  private static func digits(_ value: UInt64) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}

extension RecordedStream.Durability {
  init(_ asked: STTWire.Durability) {
    switch asked {
    case .periodic: self = .periodic
    case .durable: self = .durable
    case .volatile: self = .volatile
    }
  }
}
