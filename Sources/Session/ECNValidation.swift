import STTWire

/// Whether the path carries ECN marks (RFC 9000 section 13.4.2): a few packets are marked at first, and the
/// peer's counts must add up, then and ever after. What does not add up ends marking until the path changes.
struct ECNValidation: Sendable {
  private enum State: Sendable {
    /// So many packets were marked, and so many of these were given up.
    case testing(sent: Int, lost: Int)
    case capable
    case off(until: MonotonicTime)
  }

  /// RFC 9000 appendix A.4.
  private static let testPackets = 10
  /// Some networks let nothing through that is marked. What else it may have been is tried again so often.
  private static let mostTries = 3
  private static let pause = UInt64.seconds(2)

  /// So many marked packets lost in a row, and none that got through, are no bad luck.
  private static let blackHole = 8

  private var lostInARow = 0
  private var state = State.testing(sent: 0, lost: 0)
  private var tries = 0
  private var onlyCongestion: UInt64 = 0
  /// Packets marked since the session began.
  private(set) var sentCount: UInt64 = 0
  private var counts = ECNCounts()

  var isCapable: Bool {
    if case .capable = state { true } else { false }
  }

  /// The mark of the next packet that carries data.
  mutating func next(_ now: MonotonicTime) -> ECN {
    switch state {
    case .capable: break
    case .testing(let sent, let lost):
      guard sent < Self.testPackets else { return .notCapable }
      state = .testing(sent: sent + 1, lost: lost)
    case .off(let until):
      guard now >= until else { return .notCapable }
      onlyCongestion = 0
      state = .testing(sent: 1, lost: 0)
    }
    sentCount += 1
    return .capable0
  }

  /// Takes in the counts of an acknowledgement that is newer than all before. Answers how many packets were
  /// marked since the last, none if the counts can't be true.
  ///
  /// - Parameter marked: packets we marked that it is the first to name.
  mutating func acknowledged(marked: Int, _ reported: ECNCounts?) -> UInt64 {
    let (now, before) = (reported ?? ECNCounts(), counts)
    counts = now
    if marked > 0 { lostInARow = 0 }
    if case .off = state { return 0 }
    guard now.capable0 >= before.capable0, now.congestion >= before.congestion, now.capable1 == before.capable1 else {
      return fail()
    }
    let (gained, congestion) = (now.capable0 - before.capable0, now.congestion - before.congestion)
    let (all, gainedTooMuch) = gained.addingReportingOverflow(congestion)
    let (total, isTooMuch) = now.capable0.addingReportingOverflow(now.congestion)
    guard !gainedTooMuch, all >= UInt64(marked), !isTooMuch, total <= sentCount else { return fail() }
    if case .testing = state {
      onlyCongestion += congestion
      if gained > 0 {
        state = .capable
        tries = 0
      } else if onlyCongestion >= UInt64(Self.testPackets) {
        // A box that marks everything says nothing.
        return fail()
      }
    }
    return congestion
  }

  /// A marked packet was given up.
  mutating func lost(_ now: MonotonicTime) {
    switch state {
    case .testing(let sent, let lost):
      state = .testing(sent: sent, lost: lost + 1)
      if lost + 1 >= sent { rest(now) }
    case .capable:
      lostInARow += 1
      if lostInARow >= Self.blackHole { rest(now) }
    case .off: break
    }
  }

  /// Nothing came back in time; perhaps the marks are to blame.
  mutating func probeTimeout(count: Int, _ now: MonotonicTime) {
    switch state {
    case .testing(let sent, _): if sent > 0 { rest(now) }
    case .capable: if count > 1 { rest(now) }
    case .off: break
    }
  }

  /// Another path: nothing is known of it. The peer's counts go on.
  mutating func restart() {
    state = .testing(sent: 0, lost: 0)
    tries = 0
    onlyCongestion = 0
  }

  private mutating func fail() -> UInt64 {
    state = .off(until: .never)
    return 0
  }

  private mutating func rest(_ now: MonotonicTime) {
    tries += 1
    lostInARow = 0
    state = .off(until: tries < Self.mostTries ? now + Self.pause : .never)
  }
}
