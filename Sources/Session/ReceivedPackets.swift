import STTWire

/// What has arrived and has not been acknowledged (RFC 9000 section 13.2).
struct ReceivedPackets: Sendable {
  /// Packets with messages in them that are acknowledged without waiting.
  static let prompt = 2
  /// The same, and their bytes, where they come fast and none was missing for a while: the sender's window is open then, and
  /// each answer costs both ends a wake-up (draft-ietf-quic-ack-frequency).
  static let mostPrompt = 10
  static let mostPromptBytes = 16_384
  /// How many packets that while is.
  static let settling = 128
  /// The same for packets that hold only acknowledgements.
  static let lazy = 64

  private var promptCount = 0
  private var promptByteCount = 0
  /// When the first of those came.
  private var promptSince = MonotonicTime(nanoseconds: 0)
  /// Whether the answer waits for more of them than ``prompt``.
  private var awaitsMore = false
  /// Packets with messages since one was missing, up to ``settling``.
  private var unbrokenCount = 0
  private var lazyCount = 0
  private(set) var dueAt: MonotonicTime?
  private(set) var isUrgent = false
  /// Largest number that arrived, and when.
  private(set) var largest: UInt64?
  private(set) var largestArrived = MonotonicTime(nanoseconds: 0)
  private(set) var ecnCounts = ECNCounts()
  private var lastWasMarked = false

  /// - Parameters:
  ///   - urgency: `nil` for a packet that asks for no acknowledgement.
  ///   - roundTrip: how long an answer takes; `nil`: nobody knows yet.
  mutating func note(
    _ number: UInt64, _ ecn: ECN, byteCount: Int, urgency: Urgency?, now: MonotonicTime, delay: UInt64, roundTrip: UInt64?
  ) {
    ecnCounts.note(ecn)
    // RFC 9000 section 13.2.1; the first of a run is what the sender waits for.
    if ecn == .congestion, !lastWasMarked, urgency == .prompt { isUrgent = true }
    lastWasMarked = ecn == .congestion
    if let largest, number < largest {
      // Something that was missing arrived: the sender is deciding about it right now.
      if urgency == .prompt { isUrgent = true }
    } else {
      if let largest, number > largest + 1 {
        unbrokenCount = 0
        if urgency == .prompt { isUrgent = true }
      }
      largest = number
      largestArrived = now
    }
    guard let urgency else { return }
    if dueAt == nil { dueAt = now + delay }
    switch urgency {
    case .prompt: notePrompt(byteCount, now, roundTrip)
    case .lazy: lazyCount += 1
    }
  }

  private mutating func notePrompt(_ byteCount: Int, _ now: MonotonicTime, _ roundTrip: UInt64?) {
    promptCount += 1
    promptByteCount += byteCount
    if unbrokenCount < Self.settling { unbrokenCount += 1 }
    if promptCount == 1 { promptSince = now }
    guard promptCount == Self.prompt, unbrokenCount == Self.settling, let roundTrip else { return }
    // Their sender may wait for room: not for long. And for nothing where no more will have come by then.
    let patience = max(roundTrip / 4, RoundTrip.granularity)
    guard now.since(promptSince) * UInt64(Self.mostPrompt - Self.prompt) <= patience else { return }
    awaitsMore = true
    dueAt = dueAt.map { min($0, now + patience) }
  }

  enum Urgency {
    case prompt
    case lazy
  }

  func isDue(now: MonotonicTime) -> Bool {
    isUrgent || owesPrompt || lazyCount >= Self.lazy || dueAt.map { now >= $0 } ?? false
  }

  private var owesPrompt: Bool {
    awaitsMore
      ? promptCount >= Self.mostPrompt || promptByteCount >= Self.mostPromptBytes : promptCount >= Self.prompt
  }

  var isPending: Bool { dueAt != nil }

  /// Where the next acknowledgement begins: what the last three covered is said again, because any
  /// of them may have been lost.
  var reportBase: UInt64 {
    guard let largest else { return 0 }
    let floor = largest >= UInt64(Self.mostBits) ? (largest - UInt64(Self.mostBits) + 64) & ~63 : 0
    return max(floor, reported.0 & ~63)
  }

  private static let mostBits = 2048
  private var reported: (UInt64, UInt64, UInt64) = (0, 0, 0)

  mutating func acknowledged() {
    if let largest { reported = (reported.1, reported.2, largest) }
    promptCount = 0
    promptByteCount = 0
    awaitsMore = false
    lazyCount = 0
    isUrgent = false
    dueAt = nil
  }
}
