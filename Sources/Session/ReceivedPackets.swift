import STTWire

/// What has arrived and has not been acknowledged (RFC 9000 section 13.2).
struct ReceivedPackets: Sendable {
  /// Packets with messages in them that are acknowledged without waiting.
  static let prompt = 2
  /// The same for packets that hold only acknowledgements.
  static let lazy = 64

  private(set) var promptCount = 0
  private(set) var lazyCount = 0
  private(set) var dueAt: MonotonicTime?
  private(set) var isUrgent = false
  /// Largest number that arrived, and when.
  private(set) var largest: UInt64?
  private(set) var largestArrived = MonotonicTime(nanoseconds: 0)
  private(set) var ecnCounts = ECNCounts()
  private var lastWasMarked = false

  /// - Parameter urgency: `nil` for a packet that asks for no acknowledgement.
  mutating func note(_ number: UInt64, _ ecn: ECN, urgency: Urgency?, now: MonotonicTime, delay: UInt64) {
    ecnCounts.note(ecn)
    // RFC 9000 section 13.2.1; the first of a run is what the sender waits for.
    if ecn == .congestion, !lastWasMarked, urgency == .prompt { isUrgent = true }
    lastWasMarked = ecn == .congestion
    if let largest, number < largest {
      // Something that was missing arrived: the sender is deciding about it right now.
      if urgency == .prompt { isUrgent = true }
    } else {
      if let largest, number > largest + 1, urgency == .prompt { isUrgent = true }
      largest = number
      largestArrived = now
    }
    guard let urgency else { return }
    if dueAt == nil { dueAt = now + delay }
    switch urgency {
    case .prompt: promptCount += 1
    case .lazy: lazyCount += 1
    }
  }

  enum Urgency {
    case prompt
    case lazy
  }

  func isDue(now: MonotonicTime) -> Bool {
    isUrgent || promptCount >= Self.prompt || lazyCount >= Self.lazy || dueAt.map { now >= $0 } ?? false
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
    lazyCount = 0
    isUrgent = false
    dueAt = nil
  }
}
