import DequeModule
public import STTWire

/// A control message that arrived whole.
public struct ControlMessage: Hashable, Sendable {
  public var type: FrameType
  public var bytes: [UInt8]
}

/// The control messages of a session, each way: whole, in order, exactly once (docs/protocol.md 2.2).
///
/// They are rare and may exceed a datagram, so each goes out in parts, one message at a time: the next
/// begins when the peer has all of the last.
struct ControlChannel: Sendable {
  /// IDENTITY with both kinds of key is the longest there is.
  static let largestMessage = 8192
  /// Bytes of a part: what the smallest datagram holds behind `number | total | offset`. Always the
  /// same, so that a part that is sent again covers the one that was lost.
  static let partByteCount = Int(smallestMaximumDatagram) - SealedDatagram.overheadByteCount - ControlPart.headByteCount
  private static let mostArrived = 16

  private struct Outgoing: Sendable {
    var type: FrameType
    var bytes: [UInt8]
    var number: UInt32
    var next = 0
    var lost: [Int] = []
    var unacknowledged = 0
  }

  private struct Partial: Sendable {
    var type: FrameType
    var bytes: [UInt8]
    var isPresent: [Bool]
    var missing: Int
  }

  private var waiting = Deque<(type: FrameType, bytes: [UInt8])>()
  private var current: Outgoing?
  private var nextNumber: UInt32 = 0
  private var expected: UInt32 = 0
  private var partial: Partial?
  private var arrived = Deque<ControlMessage>()

  /// Whether a part wants to be sent now.
  var hasPart: Bool {
    guard let current else { return !waiting.isEmpty }
    return !current.lost.isEmpty || current.next < current.bytes.count
  }

  /// Whether everything was sent and acknowledged.
  var isIdle: Bool { current == nil && waiting.isEmpty }

  mutating func send(_ type: FrameType, _ bytes: [UInt8]) {
    precondition(!bytes.isEmpty && bytes.count <= Self.largestMessage, "control messages are short")
    waiting.append((type, bytes))
  }

  /// The next part to send, noted as sent.
  mutating func takePart() -> (type: FrameType, part: ControlPart, bytes: ArraySlice<UInt8>)? {
    if current == nil, let (type, bytes) = waiting.popFirst() {
      current = Outgoing(type: type, bytes: bytes, number: nextNumber)
      nextNumber &+= 1
    }
    guard var message = current else { return nil }
    let offset: Int
    if let lost = message.lost.popLast() {
      offset = lost
    } else if message.next < message.bytes.count {
      offset = message.next
      message.next += Self.partByteCount
    } else {
      return nil
    }
    message.unacknowledged += 1
    current = message
    let end = min(message.bytes.count, offset + Self.partByteCount)
    return (
      message.type,
      ControlPart(number: message.number, total: UInt32(message.bytes.count), offset: UInt32(offset)),
      message.bytes[offset..<end]
    )
  }

  mutating func acknowledged(_ number: UInt64) {
    guard var message = current, UInt64(message.number) == number else { return }
    message.unacknowledged -= 1
    let isDone = message.unacknowledged == 0 && message.lost.isEmpty && message.next >= message.bytes.count
    current = isDone ? nil : message
  }

  mutating func lost(_ number: UInt64, offset: UInt32) {
    guard current.map({ UInt64($0.number) == number }) == true else { return }
    current?.unacknowledged -= 1
    current?.lost.append(Int(offset))
  }

  /// Takes in one part.
  mutating func take(_ type: FrameType, _ reader: inout ByteReader) -> IncomingStream.Outcome {
    guard let part = try? ControlPart(&reader) else { return .violation }
    let bytes = reader.rest()
    let (total, offset) = (Int(part.total), Int(part.offset))
    guard total <= Self.largestMessage, bytes.byteCount > 0, offset + bytes.byteCount <= total else { return .violation }
    if part.number < expected { return .taken }
    guard part.number == expected, arrived.count < Self.mostArrived else { return .refused }
    var message =
      partial
      ?? Partial(
        type: type, bytes: Array(repeating: 0, count: total), isPresent: Array(repeating: false, count: total),
        missing: total)
    guard message.type == type, message.bytes.count == total else { return .violation }
    for index in 0..<bytes.byteCount where !message.isPresent[offset + index] {
      message.isPresent[offset + index] = true
      message.bytes[offset + index] = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
      message.missing -= 1
    }
    if message.missing == 0 {
      partial = nil
      expected &+= 1
      arrived.append(ControlMessage(type: type, bytes: message.bytes))
    } else {
      partial = message
    }
    return .taken
  }

  /// The oldest message that arrived and that `wanted` picks.
  mutating func next(where wanted: (FrameType) -> Bool) -> ControlMessage? {
    guard let first = arrived.first, wanted(first.type) else { return nil }
    return arrived.popFirst()
  }
}
