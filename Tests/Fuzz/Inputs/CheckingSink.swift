import STTBuffers
import STTIngest
import STTSession
import STTWire

/// Takes what a session delivers and holds it to what the classes promise (docs/protocol.md 2.15).
struct CheckingSink: CollectorSink, ~Copyable {
  private struct Key: Hashable {
    var uid: StreamUID
    var incarnation: UInt64
    var session: Int
  }

  private struct Stream {
    var delivery: DeliveryClass
    /// Everything below was delivered or announced as missing.
    var position: UInt64
    var end: UInt64?
  }

  /// One for each run: runs may go on at the same time, and what is lent is counted.
  let pool = BufferPool([
    SlabClass(byteCount: 2048, count: 32), SlabClass(byteCount: 70_000, count: 8), SlabClass(byteCount: 1 << 20, count: 2),
  ])

  private var streams: [Stream] = []
  private var tokens: [Key: Int] = [:]
  private var session = 0
  var accepts = true
  private(set) var finding: Finding?

  var streamCount: Int { streams.count }

  mutating func select(peer: Int, session: Int) { self.session = session }

  mutating func opened(_ open: StreamOpen) -> StreamAdmission? {
    let key = Key(uid: open.uid, incarnation: open.incarnation, session: session)
    guard tokens[key] == nil, streams.count < 1024 else { return nil }
    tokens[key] = streams.count
    streams.append(Stream(delivery: open.delivery, position: open.firstMessage))
    return StreamAdmission(token: streams.count - 1, position: open.firstMessage, durable: open.firstMessage)
  }

  mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) { note(token, number) }

  mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {
    if message.count < MessageTime.byteCount { report("a message is shorter than its time") }
    note(token, number)
  }

  private mutating func note(_ token: Int, _ number: UInt64) {
    guard streams.indices.contains(token) else { return report("a message of a stream that was not opened") }
    let position = streams[token].position
    switch streams[token].delivery {
    case .unreliable: return
    case .reliable where number != position: return report("reliable: \(number) was delivered, \(position) was next")
    case _ where number < position: return report("\(number) was delivered after \(position)")
    default: streams[token].position = number + 1
    }
  }

  mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {
    guard streams.indices.contains(token) else { return report("a gap of a stream that was not opened") }
    guard streams[token].delivery != .unreliable else { return }
    if numbers.isEmpty || numbers.lowerBound < streams[token].position {
      return report("\(numbers) was skipped at \(streams[token].position)")
    }
    streams[token].position = numbers.upperBound
  }

  mutating func ended(token: Int, end: UInt64) {
    guard streams.indices.contains(token) else { return report("the end of a stream that was not opened") }
    if streams[token].end != nil { report("a stream ended twice") }
    streams[token].end = end
  }

  var isAccepting: Bool { accepts }
  mutating func lease(atLeast byteCount: Int) -> Lease? { pool.lease(atLeast: byteCount) }

  mutating func report(_ text: String) { if finding == nil { finding = Finding(text) } }
}
