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

  private var slots: UnsafeMutablePointer<PartialMessage?>
  private var capacity: UInt64 = 0
  private var slotsInUse = 0
  /// Bytes of messages that are not whole yet, or wait for an earlier one.
  private(set) var heldByteCount = 0
  private let settledWindow: Int
  /// The largest blocks of parity that were announced; `nil`: there is no parity.
  private(set) var shape: ParityShape?
  var blocks: IncomingParity?
  /// No parity came for so long that none is waited for.
  var isQuiet = false
  /// Frames made from parity.
  var recoveredCount: UInt64 = 0

  /// - Parameter window: bytes of undelivered messages granted, where that is enough for one message.
  init(id: UInt16, window: Int) {
    self.id = id
    settledWindow = window
    slots = .allocate(capacity: 0)
  }

  deinit {
    slots.deinitialize(count: Int(capacity))
    slots.deallocate()
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
  /// - Parameter room: bytes the session may hold beside what it holds; the message that is next in
  ///   turn is taken in any case.
  mutating func takeData<Sink: MessageSink & ~Copyable>(
    _ reader: inout ByteReader, flags: FrameFlags, room: Int, into sink: inout Sink
  ) -> Outcome {
    guard isOpen, sink.isAccepting else { return .refused }
    guard !flags.contains(.parity), let prefix = try? DataPrefix(&reader, flags: flags),
      prefix.total >= UInt32(MessageTime.byteCount),
      prefix.total <= largest + UInt32(MessageTime.byteCount)
    else { return .violation }
    let bytes = reader.rest()
    let number = prefix.message
    let whole = Int(prefix.total) == bytes.byteCount
    guard delivery.isOrdered else { return takeUnordered(number, prefix, bytes, whole: whole, room: room, into: &sink) }
    if number < next {
      // Our acknowledgement was lost, or it comes from an earlier session.
      ackPending = true
      return .taken
    }
    guard number - next < OutgoingStream.mostGap else { return .refused }
    if whole, number == next {
      drop(number)
      guard deliver(number, bytes, into: &sink) else { return .violation }
      next += 1
      ackPending = true
      return drain(into: &sink)
    }
    guard place(number, prefix, bytes, room: room, into: &sink) else { return .refused }
    return drain(into: &sink)
  }

  /// Takes a SKIP: nothing below `upTo` is waited for.
  mutating func takeSkip<Sink: MessageSink & ~Copyable>(_ skip: Skip, into sink: inout Sink) -> Outcome {
    guard isOpen else { return .refused }
    while next < skip.upTo {
      // Whole messages that wait behind the gap are still good.
      if case .violation = drain(into: &sink) { return .violation }
      guard next < skip.upTo else { break }
      var gapEnd = next
      while gapEnd < skip.upTo, gapEnd - next < capacity, !holdsComplete(gapEnd) {
        drop(gapEnd)
        gapEnd += 1
      }
      if gapEnd - next >= capacity { gapEnd = skip.upTo }
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
    _ number: UInt64, _ prefix: DataPrefix, _ bytes: RawSpan, whole: Bool, room: Int, into sink: inout Sink
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
    if !place(number, prefix, bytes, room: room, into: &sink, evicting: true) {
      // An UNRELIABLE message is lost then. A LATEST one must come again, or its sender would believe that
      // it arrived; what is older makes room for it.
      guard delivery == .latest, !isReplaced(number) else { return .taken }
      letGo(below: number)
      guard place(number, prefix, bytes, room: room, into: &sink, evicting: true) else { return .refused }
    }
    let slot = Int(number & (capacity - 1))
    guard let message = slots[slot].take() else { return .taken }
    guard message.isComplete else {
      slots[slot] = consume message
      return .taken
    }
    vacate(message)
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
    letGo(below: number + 1)
  }

  /// Whether a newer message has taken the place of `number`.
  private func isReplaced(_ number: UInt64) -> Bool {
    switch slots[Int(number & (capacity - 1))] {
    case .some(let present): return present.number > number
    case .none: return false
    }
  }

  private mutating func letGo(below number: UInt64) {
    guard slotsInUse > 0 else { return }
    for slot in 0..<Int(capacity) {
      guard let message = slots[slot].take() else { continue }
      if message.number < number { vacate(message) } else { slots[slot] = consume message }
    }
  }

  /// Delivers what is whole and in turn.
  private mutating func drain<Sink: MessageSink & ~Copyable>(into sink: inout Sink) -> Outcome {
    while slotsInUse > 0 {
      let slot = Int(next & (capacity - 1))
      guard let message = slots[slot].take() else { return .taken }
      guard message.number == next, message.isComplete else {
        slots[slot] = consume message
        return .taken
      }
      vacate(message)
      guard deliver(message, into: &sink) else { return .violation }
      next += 1
      ackPending = true
    }
    return .taken
  }

  private func deliver<Sink: MessageSink & ~Copyable>(_ number: UInt64, _ bytes: RawSpan, into sink: inout Sink) -> Bool {
    var reader = ByteReader(bytes)
    guard let time = try? MessageTime(&reader) else { return false }
    sink.deliver(token: token, number: number, time: time, payload: reader.rest())
    return true
  }

  private func deliver<Sink: MessageSink & ~Copyable>(_ message: consuming PartialMessage, into sink: inout Sink) -> Bool {
    var reader = ByteReader(message.lease.bytes)
    guard let time = try? MessageTime(&reader) else { return false }
    sink.deliver(token: token, number: message.number, time: time, message: message.takeLease())
    return true
  }

  /// Puts bytes where they belong. `false`: no memory, a table that is full, or a total that
  /// contradicts an earlier part.
  private mutating func place<Sink: MessageSink & ~Copyable>(
    _ number: UInt64, _ prefix: DataPrefix, _ bytes: RawSpan, room: Int, into sink: inout Sink,
    evicting: Bool = false
  ) -> Bool {
    if evicting { if capacity == 0 { resize(to: 16) } } else { makeRoom(for: number) }
    let slot = Int(number & (capacity - 1))
    var message: PartialMessage
    if let present = slots[slot].take() {
      if present.number == number {
        message = present
      } else {
        guard evicting, present.number < number else {
          slots[slot] = consume present
          return false
        }
        vacate(present)
        guard let fresh = begin(number, prefix.total, room: room, into: &sink) else { return false }
        message = fresh
      }
    } else {
      guard let fresh = begin(number, prefix.total, room: room, into: &sink) else { return false }
      message = fresh
    }
    let placed = message.total == prefix.total && message.place(bytes, at: prefix.offset)
    slots[slot] = consume message
    return placed
  }

  /// Memory for message `number`, unless the sender was not granted so much.
  private mutating func begin<Sink: MessageSink & ~Copyable>(
    _ number: UInt64, _ total: UInt32, room: Int, into sink: inout Sink
  ) -> PartialMessage? {
    let byteCount = Int(total)
    guard number == next || (heldByteCount + byteCount <= window && byteCount <= room) else { return nil }
    guard let lease = sink.lease(atLeast: byteCount) else { return nil }
    if !isInTurn(number) {
      // Never the last buffer: what waits for an earlier message would hold them all, and that message,
      // when it comes, would have none.
      switch sink.lease(atLeast: byteCount) {
      case .some: break
      case .none: return nil
      }
    }
    slotsInUse += 1
    heldByteCount += byteCount
    return PartialMessage(number: number, total: total, lease: lease)
  }

  /// Whether `number` can be delivered as soon as it is whole, and will become whole.
  private func isInTurn(_ number: UInt64) -> Bool {
    switch delivery {
    case .reliable, .partial: number == next
    case .latest: slotsInUse == 0
    case .unreliable: false
    }
  }

  private mutating func vacate(_ message: borrowing PartialMessage) {
    slotsInUse -= 1
    heldByteCount -= Int(message.total)
  }

  private mutating func drop(_ number: UInt64) {
    guard capacity > 0, let present = slots[Int(number & (capacity - 1))].take() else { return }
    if present.number == number {
      vacate(present)
    } else {
      slots[Int(number & (capacity - 1))] = consume present
    }
  }

  private func holdsComplete(_ number: UInt64) -> Bool {
    guard slotsInUse > 0 else { return false }
    switch slots[Int(number & (capacity - 1))] {
    case .some(let message): return message.number == number && message.isComplete
    case .none: return false
    }
  }

  private mutating func makeRoom(for number: UInt64) {
    var wider = max(capacity, 16)
    while number - next >= wider { wider *= 2 }
    if wider != capacity { resize(to: wider) }
  }

  private mutating func resize(to wider: UInt64) {
    let newSlots = UnsafeMutablePointer<PartialMessage?>.allocate(capacity: Int(wider))
    for slot in 0..<Int(wider) { (newSlots + slot).initialize(to: nil) }
    for slot in 0..<Int(capacity) {
      if let message = slots[slot].take() {
        let place = Int(message.number & (wider - 1))
        newSlots[place] = consume message
      }
    }
    slots.deinitialize(count: Int(capacity))
    slots.deallocate()
    slots = newSlots
    capacity = wider
  }
}

extension PartialMessage {
  consuming func takeLease() -> Lease { lease }
}
