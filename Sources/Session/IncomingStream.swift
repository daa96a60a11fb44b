import STC
import STTBuffers
import STTWire

/// A stream the peer sends in this session.
struct IncomingStream: ~Copyable {
  /// What a frame led to.
  enum Outcome {
    case taken
    /// No memory, or too far ahead: as if the packet had been lost.
    case refused
    /// The peer broke the protocol; the session ends.
    case violation
  }

  let id: UInt16
  private(set) var token = -1
  private(set) var isOpen = false
  private var delivery = DeliveryClass.reliable
  private var largest: UInt32 = 0
  /// Every message below was delivered, skipped, or known before.
  private(set) var next: UInt64 = 0
  private(set) var durable: UInt64 = 0
  /// Head of the recording's chain that holds everything durable.
  private(set) var chainHead: RecordingHead?
  var ackPending = false
  private var opening: PartialMessage?
  private var end: UInt64?
  /// What was delivered of an UNRELIABLE stream. A packet that was refused for another message's sake may
  /// come again, and with it one that was taken.
  private var seen: ReplayWindow?
  private static let seenBitCount = 1024

  /// Messages that are not whole yet, or wait for an earlier one.
  var held = HeldMessages()
  private let settledWindow: Int
  /// The largest blocks of parity that were announced; `nil`: there is no parity.
  private(set) var shape: ParityShape?
  var blocks: IncomingParity?
  /// No parity came for so long that none is waited for.
  var isQuiet = false
  /// Frames made from parity.
  var recoveredCount: UInt64 = 0
  private let addressOnly = AddressOnly()

  /// - Parameter window: bytes of undelivered messages granted, where that is enough for one message.
  init(id: UInt16, window: Int) {
    self.id = id
    settledWindow = window
  }

  /// What a stream may hold now.
  struct Limits {
    /// All its messages together.
    var byteCount: Int
    /// From the message that is next in turn to the last one.
    var gap: UInt64
  }

  /// Bytes of undelivered messages the sender may have on the way (docs/protocol.md 2.15).
  var window: Int { max(settledWindow, Int(largest) + 1 << 20) }

  /// Takes a part of the STREAM_OPEN: `total u32 | offset u32 | bytes`.
  mutating func takeOpen<Sink: MessageSink & ~Copyable>(_ reader: inout ByteReader, into sink: inout Sink) -> Outcome {
    guard let total = try? reader.u32(), let offset = try? reader.u32() else { return .violation }
    let part = reader.rest()
    guard total > 0, total <= 65_535, part.byteCount > 0,
      UInt64(offset) + UInt64(part.byteCount) <= UInt64(total)
    else { return .violation }
    if isOpen { return .taken }
    if opening == nil {
      guard let lease = sink.lease(atLeast: Int(total)) else { return .refused }
      opening = PartialMessage(number: 0, total: total, lease: lease)
    }
    guard var message = opening.take() else { return .refused }
    guard message.total == total, message.place(part, at: offset) else { return .violation }
    guard message.isComplete else {
      opening = consume message
      return .taken
    }
    var openReader = ByteReader(message.lease.bytes)
    guard let open = try? StreamOpen(&openReader), let admission = sink.opened(open) else { return .violation }
    token = admission.token
    delivery = open.delivery
    if delivery == .unreliable { seen = ReplayWindow(bitCount: Self.seenBitCount) }
    largest = open.largestMessage
    shape = open.forwardErrorCorrection
    next = max(open.firstMessage, admission.position)
    if open.firstMessage > admission.position, delivery.isOrdered {
      sink.skipped(token: token, numbers: admission.position..<open.firstMessage, reason: Skip.Reason.overflow.rawValue)
    }
    // What the sender no longer holds needs no further word.
    durable = min(next, max(admission.durable, open.firstMessage))
    isOpen = true
    ackPending = true
    return .taken
  }

  /// Takes a DATA payload, from a packet or made from parity.
  ///
  /// - Parameter limits: the message that is next in turn is taken in any case.
  mutating func takeData<Sink: MessageSink & ~Copyable>(
    _ reader: inout ByteReader, flags: FrameFlags, _ limits: Limits, into sink: inout Sink
  ) -> Outcome {
    guard isOpen, sink.isAccepting else { return .refused }
    guard !flags.contains(.parity), let prefix = try? DataPrefix(&reader, flags: flags),
      prefix.total >= UInt32(MessageTime.byteCount),
      prefix.total <= largest + UInt32(MessageTime.byteCount)
    else { return .violation }
    let bytes = reader.rest()
    let number = prefix.message
    let whole = Int(prefix.total) == bytes.byteCount
    guard delivery.isOrdered else { return takeUnordered(number, prefix, bytes, whole: whole, limits, into: &sink) }
    if number < next {
      // Our acknowledgement was lost, or it comes from an earlier session.
      ackPending = true
      return .taken
    }
    guard number - next < limits.gap else { return .refused }
    if whole, number == next {
      held.drop(number)
      guard deliver(number, bytes, into: &sink) else { return .violation }
      next += 1
      ackPending = true
      return drain(into: &sink)
    }
    held.makeRoom(for: number, from: next)
    let granted = number == next ? .max : min(window, limits.byteCount)
    if whole, bytes.byteCount <= PackedMessages.largest, !held.isBegun(number) {
      return held.pack(number, bytes, granted: granted, from: &sink) ? .taken : .refused
    }
    let turn = number == next ? HeldMessages.Turn.now : .later
    guard held.place(number, prefix, bytes, granted: granted, turn, from: &sink) else { return .refused }
    return drain(into: &sink)
  }

  /// Whether there is nothing else to do for a message that comes whole and in turn than to pass it on: no parity to keep, and
  /// none that waited for it.
  var mayTakeRun: Bool { isOpen && delivery.isOrdered && shape == nil && held.isEmpty }
  var largestPayload: Int { Int(largest) }

  mutating func noteDelivered(below number: UInt64) {
    guard number > next else { return }
    next = number
    ackPending = true
  }

  /// Takes a SKIP: nothing below `upTo` is waited for.
  mutating func takeSkip<Sink: MessageSink & ~Copyable>(_ skip: Skip, into sink: inout Sink) -> Outcome {
    guard isOpen else { return .refused }
    while next < skip.upTo {
      // Whole messages that wait behind the gap are still good.
      if case .violation = drain(into: &sink) { return .violation }
      guard next < skip.upTo else { break }
      guard sink.isAccepting else { return .refused }
      let gapEnd = held.nextComplete(from: next, before: skip.upTo)
      if gapEnd > next { sink.skipped(token: token, numbers: next..<gapEnd, reason: skip.reason) }
      next = gapEnd
    }
    if case .violation = drain(into: &sink) { return .violation }
    ackPending = true
    return .taken
  }

  var acknowledgement: StreamAck {
    StreamAck(delivered: next, window: UInt32(clamping: window), durable: durable, chainHead: chainHead)
  }

  mutating func takeEnd<Sink: MessageSink & ~Copyable>(_ streamEnd: StreamEnd, into sink: inout Sink) -> Outcome {
    guard isOpen, streamEnd.end <= next || !delivery.isOrdered else { return .refused }
    if end == nil {
      end = streamEnd.end
      sink.ended(token: token, end: streamEnd.end)
    }
    return .taken
  }

  /// Everything below `number` is safe on disk.
  mutating func markDurable(_ number: UInt64, _ head: RecordingHead?) {
    if head != nil { chainHead = head }
    let limited = min(number, next)
    guard limited > durable else { return }
    durable = limited
    ackPending = true
  }

  private mutating func takeUnordered<Sink: MessageSink & ~Copyable>(
    _ number: UInt64, _ prefix: DataPrefix, _ bytes: RawSpan, whole: Bool, _ limits: Limits,
    into sink: inout Sink
  ) -> Outcome {
    if delivery == .latest {
      ackPending = true
      if number < next { return .taken }
    }
    if wasSeen(number) { return .taken }
    if whole {
      passOver(number)
      return deliver(number, bytes, into: &sink) ? .taken : .violation
    }
    let granted = number == next ? .max : min(window, limits.byteCount)
    let turn = delivery == .latest ? HeldMessages.Turn.alone : .later
    if !held.place(number, prefix, bytes, granted: granted, turn, evicting: true, from: &sink) {
      // An UNRELIABLE message is lost then. A LATEST one must come again, or its sender would believe that
      // it arrived; what is older makes room for it.
      guard delivery == .latest, !held.isReplaced(number) else { return .taken }
      held.letGo(below: number)
      guard held.place(number, prefix, bytes, granted: granted, turn, evicting: true, from: &sink) else { return .refused }
    }
    guard let message = held.takeComplete(number) else { return .taken }
    passOver(number)
    return deliver(message, into: &sink) ? .taken : .violation
  }

  private func wasSeen(_ number: UInt64) -> Bool {
    switch seen {
    case .some(let window): return !window.accepts(number)
    case .none: return false
    }
  }

  /// Message `number` is being delivered: not again, and of a LATEST stream nothing older either.
  private mutating func passOver(_ number: UInt64) {
    seen?.mark(number)
    guard delivery == .latest else { return }
    next = number + 1
    held.letGo(below: number + 1)
  }

  /// Whether the message that is next in turn is here and whole: the sink had no room for it.
  var isInterrupted: Bool { delivery.isOrdered && held.holdsComplete(next) }

  /// Goes on where the sink had no room.
  mutating func resume<Sink: MessageSink & ~Copyable>(into sink: inout Sink) -> Outcome {
    isOpen && delivery.isOrdered ? drain(into: &sink) : .taken
  }

  /// Delivers what is whole and in turn, as far as the sink has room.
  private mutating func drain<Sink: MessageSink & ~Copyable>(into sink: inout Sink) -> Outcome {
    while sink.isAccepting, let message = held.takeComplete(next) {
      guard deliver(message, into: &sink) else { return .violation }
      next += 1
      ackPending = true
    }
    held.shrink()
    return .taken
  }

  private func deliver<Sink: MessageSink & ~Copyable>(_ number: UInt64, _ bytes: RawSpan, into sink: inout Sink) -> Bool {
    Self.deliver(token, number, bytes, into: &sink)
  }

  private static func deliver<Sink: MessageSink & ~Copyable>(
    _ token: Int, _ number: UInt64, _ bytes: RawSpan, into sink: inout Sink
  ) -> Bool {
    var reader = ByteReader(bytes)
    guard let time = try? MessageTime(&reader) else { return false }
    sink.deliver(token: token, number: number, time: time, payload: reader.rest())
    return true
  }

  private mutating func deliver<Sink: MessageSink & ~Copyable>(
    _ message: consuming HeldMessage, into sink: inout Sink
  ) -> Bool {
    switch consume message {
    case .packed(let small):
      let (token, number) = (token, small.number)
      return held.spend(small) { Self.deliver(token, number, $0, into: &sink) }
    case .partial(let whole): return deliver(whole, into: &sink)
    }
  }

  private func deliver<Sink: MessageSink & ~Copyable>(_ message: consuming PartialMessage, into sink: inout Sink) -> Bool {
    var reader = ByteReader(message.lease.bytes)
    guard let time = try? MessageTime(&reader) else { return false }
    sink.deliver(token: token, number: message.number, time: time, message: message.takeLease())
    return true
  }
}

extension PartialMessage {
  consuming func takeLease() -> Lease { lease }
}
