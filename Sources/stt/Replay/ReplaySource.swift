import LinuxEvents
import STTBuffers
import STTRecord
import STTSample

/// What the streams of an agent that replays share: the recording, and when each message is due.
///
/// Used by the thread of the sources alone, once that runs.
final class ReplayFeed {
  private let queue: MessageQueue
  private var pace: Pace
  private let waits: Bool
  /// By key: which stream a message belongs to.
  private let places: [PlayedStream.Key: Int]
  private var head: (message: PlayedMessage, stream: Int, due: UInt64)?
  private(set) var isEnded = false
  private(set) var lateness = Lateness()
  private(set) var messageCount: UInt64 = 0

  /// - Parameter waits: `false` sends as fast as it is taken.
  init(_ queue: MessageQueue, _ streams: [PlayedStream], speed: Double, waits: Bool) {
    self.queue = queue
    self.waits = waits
    pace = Pace(speed: speed)
    places = Dictionary(streams.enumerated().map { ($1.key, $0) }) { first, _ in first }
  }

  /// The message that comes next, if it was read already.
  func next(now: UInt64) -> (message: PlayedMessage, stream: Int, due: UInt64)? {
    while head == nil, !isEnded, let item = queue.tryPop() {
      switch item {
      case .end: isEnded = true
      case .restart: pace.restart()
      case .message(let message):
        guard let stream = places[message.stream.key] else { continue }
        head = (message, stream, waits ? pace.due(message.logTime, now: now) : 0)
      }
    }
    return head
  }

  /// The message that came next was taken.
  func taken(now: UInt64) {
    if waits, let head { lateness.note(now > head.due ? now - head.due : 0) }
    messageCount += 1
    head = nil
  }
}

/// One stream of a recording as a source: messages as they were, with the device's own times.
final class ReplaySource: SampleSource {
  /// The largest message of a stream, times excluded (docs/protocol.md 2.10).
  static let largestMessage = (16 << 20) - 16
  private static let retry: UInt64 = 1_000_000

  let description: StreamDescription
  private let feed: ReplayFeed
  private let stream: Int
  var descriptor: CInt? { nil }
  private(set) var deadline: UInt64? = 0
  private var isFinished = false

  /// Every stream is sent reliably and durably, whatever it was: what was lost once is not lost again.
  init(_ feed: ReplayFeed, stream: Int, _ recorded: PlayedStream, name: String) {
    self.feed = feed
    self.stream = stream
    let schema = recorded.key.schema
    description = StreamDescription(
      name: name,
      schema: schema.map { Schema(encoding: $0.encoding, name: $0.name, data: $0.data) } ?? .opaque,
      maximumMessageByteCount: Self.largestMessage, purpose: recorded.metadata["stt.purpose"] ?? "main")
  }

  func produce<Outlet: SourceOutlet & ~Copyable>(now: SampleTime, into outlet: inout Outlet) {
    guard !isFinished else { return }
    let time = now.monotonicNanoseconds
    while let next = feed.next(now: time) {
      guard next.stream == stream else {
        // Another source's turn; this one looks again when that message is due.
        deadline = max(next.due, time)
        return
      }
      guard next.due <= time else {
        deadline = next.due
        return
      }
      guard send(next.message, &outlet) else {
        deadline = time + Self.retry
        return
      }
      feed.taken(now: Clocks.monotonic)
    }
    if feed.isEnded {
      isFinished = true
      deadline = nil
      outlet.report(.finished)
    } else {
      deadline = time + Self.retry
    }
  }

  /// `false`: there is no buffer, or no room in the queue.
  private func send<Outlet: SourceOutlet & ~Copyable>(_ message: PlayedMessage, _ outlet: inout Outlet) -> Bool {
    guard var lease = outlet.lease(atLeast: max(1, message.payload.count)) else { return false }
    message.payload.withUnsafeBytes { payload in
      if let start = payload.baseAddress { lease.unsafeBase.copyMemory(from: start, byteCount: payload.count) }
    }
    lease.count = message.payload.count
    return outlet.emit(.frame(time: message.identity.deviceTime, head: nil, body: lease), comesAgain: true)
  }
}
