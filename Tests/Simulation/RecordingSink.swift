import STTBuffers
import STTIngest
import STTSession
import STTWire

/// Stands where the recorder stands: keeps what was delivered, and survives a collector's restart
/// as far as it was "synced".
struct RecordingSink: CollectorSink, ~Copyable {
  struct StreamKey: Hashable {
    var uid: StreamUID
    var incarnation: UInt64
  }

  struct Recorded {
    var open: StreamOpen
    var numbers: [UInt64] = []
    var payloads: [[UInt8]] = []
    var skipped: [Range<UInt64>] = []
    var position: UInt64
    var durable: UInt64
    var end: UInt64?
  }

  let pool: BufferPool
  var streams: [Recorded] = []
  var tokens: [StreamKey: Int] = [:]
  var session = 0
  var accepts = true
  /// Sessions each token was opened in last: where durability is reported.
  var sessionOfToken: [Int: Int] = [:]

  init(pool: BufferPool) { self.pool = pool }

  mutating func select(peer: Int, session: Int) { self.session = session }

  mutating func opened(_ open: StreamOpen) -> StreamAdmission? {
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

  mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {
    record(token, number, payload.withUnsafeBytes { [UInt8]($0) })
  }

  mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {
    record(token, number, message.bytes.withUnsafeBytes { [UInt8]($0.dropFirst(MessageTime.byteCount)) })
  }

  private mutating func record(_ token: Int, _ number: UInt64, _ payload: [UInt8]) {
    streams[token].numbers.append(number)
    streams[token].payloads.append(payload)
    streams[token].position = max(streams[token].position, number + 1)
  }

  mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {
    streams[token].skipped.append(numbers)
    streams[token].position = max(streams[token].position, numbers.upperBound)
  }

  mutating func ended(token: Int, end: UInt64) { streams[token].end = end }

  var isAccepting: Bool { accepts }
  mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }

  /// Everything delivered so far is on disk.
  mutating func sync() {
    for index in streams.indices { streams[index].durable = streams[index].position }
  }

  /// Power is cut: what was not synced is gone.
  mutating func losePower() {
    for index in streams.indices {
      let kept = streams[index].numbers.prefix { $0 < streams[index].durable }.count
      streams[index].numbers.removeLast(streams[index].numbers.count - kept)
      streams[index].payloads.removeLast(streams[index].payloads.count - kept)
      streams[index].position = streams[index].durable
    }
  }
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
