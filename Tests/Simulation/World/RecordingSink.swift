import STTBuffers
import STTIngest
import STTSession
import STTWire

/// Names a stream for ever.
package struct StreamKey: Hashable, Sendable {
  package var uid: StreamUID
  package var incarnation: UInt64
}

/// Stands where the recorder stands: keeps what was delivered, and survives a collector's restart
/// as far as it was "synced".
package struct RecordingSink: CollectorSink, ~Copyable {
  package struct Recorded {
    package var open: StreamOpen
    package var numbers: [UInt64] = []
    package var payloads: [[UInt8]] = []
    /// Nanoseconds from each message's own time to its delivery.
    package var delays: [UInt64] = []
    package var skipped: [Range<UInt64>] = []
    package var position: UInt64
    package var durable: UInt64
    package var end: UInt64?

    var key: StreamKey { StreamKey(uid: open.uid, incarnation: open.incarnation) }
  }

  package let pool: BufferPool
  package internal(set) var streams: [Recorded] = []
  private var tokens: [StreamKey: Int] = [:]
  private var session = 0
  package var accepts = true
  /// Deliveries and gaps before there is no more room.
  var room = Int.max
  /// Somebody else took all buffers.
  package var isDry = false
  /// Sessions each token was opened in last: where durability is reported.
  package internal(set) var sessionOfToken: [Int: Int] = [:]
  /// Judges what is delivered; what it has seen is not kept.
  package var oracle: DeliveryOracle?
  /// Otherwise only how many there were.
  package var keepsMessages = true
  /// The time of the simulation.
  var trueNow = MonotonicTime(nanoseconds: 0)
  /// Something was delivered and not synced.
  private(set) var isDirty = false

  init(pool: BufferPool) { self.pool = pool }

  package mutating func select(peer: Int, session: Int) { self.session = session }

  package mutating func opened(_ open: StreamOpen) -> StreamAdmission? {
    oracle?.opened(open)
    let key = StreamKey(uid: open.uid, incarnation: open.incarnation)
    let token: Int
    if let known = tokens[key] {
      token = known
    } else {
      token = streams.count
      tokens[key] = token
      streams.append(Recorded(open: open, position: open.firstMessage, durable: open.firstMessage))
    }
    sessionOfToken[token] = session
    return StreamAdmission(token: token, position: streams[token].position, durable: streams[token].durable)
  }

  package mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {
    record(token, number, time, payload)
  }

  package mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {
    let bytes = message.bytes
    record(token, number, time, bytes.extracting(MessageTime.byteCount..<bytes.byteCount))
  }

  private mutating func record(_ token: Int, _ number: UInt64, _ time: MessageTime, _ payload: RawSpan) {
    isDirty = true
    room -= 1
    let position = streams[token].position
    if oracle == nil, keepsMessages {
      streams[token].numbers.append(number)
      streams[token].payloads.append(payload.withUnsafeBytes { [UInt8]($0) })
      streams[token].delays.append(trueNow.nanoseconds &- time.monotonicNanoseconds)
    } else {
      oracle?.delivered(streams[token].key, number, time, payload, position: position)
    }
    streams[token].position = max(position, number + 1)
  }

  package mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {
    isDirty = true
    room -= 1
    oracle?.skipped(streams[token].key, numbers, position: streams[token].position, now: trueNow)
    if oracle == nil { streams[token].skipped.append(numbers) }
    streams[token].position = max(streams[token].position, numbers.upperBound)
  }

  package mutating func ended(token: Int, end: UInt64) {
    oracle?.ended(streams[token].key, at: end, position: streams[token].position)
    streams[token].end = end
  }

  package var isAccepting: Bool { accepts && room > 0 }
  package mutating func lease(atLeast byteCount: Int) -> Lease? { isDry ? nil : pool.lease(atLeast: byteCount) }

  /// Everything delivered so far is on disk.
  mutating func sync() {
    isDirty = false
    for index in streams.indices { streams[index].durable = streams[index].position }
  }

  /// Power is cut: what was not synced is gone.
  mutating func losePower() {
    isDirty = false
    for index in streams.indices {
      oracle?.holds(streams[index].key, durable: streams[index].durable)
      let kept = streams[index].numbers.prefix { $0 < streams[index].durable }.count
      streams[index].numbers.removeLast(streams[index].numbers.count - kept)
      streams[index].payloads.removeLast(streams[index].payloads.count - kept)
      streams[index].delays.removeLast(streams[index].delays.count - kept)
      streams[index].position = streams[index].durable
    }
  }

  /// How far the sink has got with a stream.
  func position(of key: StreamKey) -> UInt64? { tokens[key].map { streams[$0].position } }
  func durable(of key: StreamKey) -> UInt64? { tokens[key].map { streams[$0].durable } }
}

/// Devices receive no streams yet.
struct NoStreams: MessageSink, ~Copyable {
  mutating func opened(_ open: StreamOpen) -> StreamAdmission? { nil }
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {}
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {}
  mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {}
  mutating func ended(token: Int, end: UInt64) {}
  var isAccepting: Bool { true }
  mutating func lease(atLeast byteCount: Int) -> Lease? { nil }
}
