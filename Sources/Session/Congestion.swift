/// How much may be on the way, and how fast it may leave: a model of the path (docs/protocol.md 2.15).
///
/// As in BBR (draft-ietf-ccwg-bbr), the path is what it delivered at most lately and how short its
/// round trip was lately. Loss alone says little on radio links and is no signal below a quarter of a
/// round's packets; a queue that stands for a round is one (as in SCReAM, RFC 8298).
struct Congestion: Sendable {
  private enum Phase: Sendable {
    /// Doubling until the rate stops growing.
    case startup
    /// Letting go of the queue that startup built.
    case drain
    /// One step of the cycle that looks for more, clears what it queued, and holds.
    case cruise(Int)
    /// Little on the way, so that the shortest round trip shows.
    case probeRoundTrip(until: MonotonicTime)
  }

  private static let startupGain = 2.77
  private static let cycle = [1.25, 0.75, 1, 1, 1, 1, 1, 1]
  private static let windowGain = 2.0
  /// A shortest round trip that is older is measured again.
  private static let roundTripAge = UInt64.seconds(10)
  private static let probeDuration = UInt64.milliseconds(200)
  /// The rate's memory, at least; two to three of these.
  private static let rateAge = UInt64.milliseconds(500)
  private static let rateRounds = 5
  /// What a sender that wakes late must be able to catch up with.
  private static let lateness = 4e-3
  private static let queueLimit = UInt64.milliseconds(50)
  /// When yielding did not shorten the queue, somebody else fills it: hold our share for so long.
  private static let stubbornness = UInt64.seconds(5)

  private var datagram: Int
  private(set) var window: Int
  private(set) var inFlight = 0
  /// The reciprocal of the pacing rate; 0 before anything is known.
  private(set) var nanosecondsPerByte = 0.0
  private var rate = DeliveryRate()
  private var phase = Phase.startup
  private var phaseStart = MonotonicTime(nanoseconds: 0)
  /// Largest rates, bytes a second, of this age and the two before.
  private var peaks = (0.0, 0.0, 0.0)
  private var peakStart = MonotonicTime(nanoseconds: 0)
  private var peakRounds = 0
  private var shortest = UInt64.max
  private var shortestAt = MonotonicTime(nanoseconds: 0)
  private var roundEnd: UInt64 = 0
  private var fullRate = 0.0
  private var fullRounds = 0
  private var roundDelivered = 0
  private var roundLost = 0
  private var standingRounds = 0
  private var yieldingRounds = 0
  private var yieldsAgainAt = MonotonicTime(nanoseconds: 0)
  private var smoothedRate = 0.0

  /// - Parameter datagram: bytes of the largest datagram this session sends.
  init(datagram: Int) {
    self.datagram = datagram
    window = Self.initialWindow(datagram)
  }

  /// RFC 9002 section 7.2.
  private static func initialWindow(_ datagram: Int) -> Int { min(10 * datagram, max(14_720, 2 * datagram)) }

  private var minimum: Int { 4 * datagram }

  /// The path carries datagrams of another size.
  mutating func setDatagram(_ byteCount: Int) {
    datagram = byteCount
    window = max(window, minimum)
  }

  /// Another path: nothing is known of it (RFC 9002 section 9.4). What is in flight stays counted.
  mutating func restart() {
    let (carried, counted) = (inFlight, rate)
    self = Congestion(datagram: datagram)
    // Packets on their way bear stamps of this count.
    (inFlight, rate) = (carried, counted)
    roundEnd = rate.delivered
  }

  /// Bits a second an encoder may produce now; 0 before anything is known.
  var targetBitrate: Double { smoothedRate * 0.9 * 8 }

  func allows(_ byteCount: Int) -> Bool { inFlight + byteCount <= window || inFlight <= 0 }

  mutating func sent(_ byteCount: Int, now: MonotonicTime) -> DeliveryRate.Stamp {
    let stamp = rate.sent(inFlight: inFlight, now: now)
    inFlight += byteCount
    return stamp
  }

  mutating func noteApplicationLimited() {
    if inFlight < window { rate.noteApplicationLimited(inFlight: inFlight) }
  }

  mutating func acknowledged(_ byteCount: Int, _ stamp: DeliveryRate.Stamp, sent: MonotonicTime) {
    inFlight -= byteCount
    roundDelivered += byteCount
    rate.acknowledged(byteCount, stamp, sent: sent)
    // Towards what the model says, at most doubling a round.
    window += byteCount
  }

  mutating func lost(_ byteCount: Int) {
    inFlight -= byteCount
    roundLost += byteCount
  }

  /// Forgets a packet without drawing a conclusion.
  mutating func forget(_ byteCount: Int) { inFlight -= byteCount }

  /// Nothing came back for several probe timeouts (RFC 9002 section 7.6).
  mutating func collapse() { window = minimum }

  /// After all packets an acknowledgement names.
  mutating func update(roundTrip: RoundTrip, now: MonotonicTime) {
    guard let sample = rate.sample(now: now) else { return }
    noteRoundTrip(roundTrip, now)
    noteRate(sample, now)
    if sample.deliveredBefore >= roundEnd {
      roundEnd = rate.delivered
      peakRounds += 1
      endRound(sample, roundTrip, now)
    }
    advance(now)
    settle()
  }

  private var peak: Double { max(peaks.0, peaks.1, peaks.2) }
  /// Bytes the path holds without a queue.
  private var product: Double { shortest == .max ? 0 : peak * Double(shortest) / 1e9 }

  private mutating func noteRoundTrip(_ roundTrip: RoundTrip, _ now: MonotonicTime) {
    if roundTrip.latest <= shortest {
      shortest = roundTrip.latest
      shortestAt = now
    } else if now.since(shortestAt) > Self.roundTripAge {
      switch phase {
      case .cruise, .drain:
        phase = .probeRoundTrip(until: now + max(Self.probeDuration, shortest))
        shortest = roundTrip.latest
        shortestAt = now
      case .startup, .probeRoundTrip: break
      }
    }
  }

  private mutating func noteRate(_ sample: DeliveryRate.Sample, _ now: MonotonicTime) {
    let age = max(Self.rateAge, shortest == .max ? 0 : 5 * shortest)
    // In rounds too: what a stalled path did before it stalled is not forgotten over a few late answers.
    if now.since(peakStart) > age, peakRounds >= Self.rateRounds, !sample.isApplicationLimited {
      peaks = (0, peaks.0, peaks.1)
      peakStart = now
      peakRounds = 0
    }
    if !sample.isApplicationLimited || sample.bytesPerSecond > peak { peaks.0 = max(peaks.0, sample.bytesPerSecond) }
  }

  private mutating func endRound(_ sample: DeliveryRate.Sample, _ roundTrip: RoundTrip, _ now: MonotonicTime) {
    if case .startup = phase, !sample.isApplicationLimited {
      if peak >= fullRate * 1.25 {
        fullRate = peak
        fullRounds = 0
      } else {
        fullRounds += 1
        if fullRounds >= 3 { enter(.drain, now) }
      }
    }
    let queue = roundTrip.smoothed > shortest ? roundTrip.smoothed - shortest : 0
    // Under loss this heavy, with a queue, we are what overfills it.
    if roundLost * 3 > roundDelivered, roundLost > 10 * datagram, queue > shortest / 4 {
      peaks = (peaks.0 * 0.85, peaks.1 * 0.85, peaks.2 * 0.85)
    }
    roundLost = 0
    roundDelivered = 0
    guardQueue(queue, now)
    let weight = 0.125
    smoothedRate += (peak - smoothedRate) * (smoothedRate == 0 ? 1 : weight)
  }

  /// Yields to a queue that stands; stops yielding when that does not help.
  private mutating func guardQueue(_ queue: UInt64, _ now: MonotonicTime) {
    guard queue > max(Self.queueLimit, shortest / 4), now >= yieldsAgainAt else {
      standingRounds = 0
      yieldingRounds = 0
      return
    }
    standingRounds += 1
    guard standingRounds > 1 else { return }
    if case .startup = phase { enter(.drain, now) }
    yieldingRounds += 1
    if yieldingRounds > 4 {
      yieldingRounds = 0
      standingRounds = 0
      yieldsAgainAt = now + Self.stubbornness
    }
  }

  private mutating func enter(_ next: Phase, _ now: MonotonicTime) {
    phase = next
    phaseStart = now
  }

  private mutating func advance(_ now: MonotonicTime) {
    let step = max(shortest == .max ? 0 : shortest, Pacer.quantum)
    let elapsed = now.since(phaseStart)
    switch phase {
    case .startup: break
    case .drain:
      if Double(inFlight) <= product || elapsed > 3 * step { enter(.cruise(2), now) }
    case .cruise(let index):
      let isOver =
        switch index {
        case 0: elapsed > step && (Double(inFlight) >= 1.25 * product || elapsed > 3 * step)
        case 1: elapsed > step || Double(inFlight) <= product
        default: elapsed > step
        }
      if isOver { enter(.cruise((index + 1) % Self.cycle.count), now) }
    case .probeRoundTrip(let until):
      if now >= until {
        shortestAt = now
        enter(fullRounds >= 3 ? .cruise(2) : .startup, now)
      }
    }
  }

  private mutating func settle() {
    var pacing: Double
    var target = Self.windowGain * product + peak * Self.lateness + Double(3 * datagram)
    switch phase {
    case .startup:
      pacing = Self.startupGain
      target = Self.startupGain * product + peak * Self.lateness + Double(Self.initialWindow(datagram))
    case .drain: pacing = 1 / Self.startupGain
    case .cruise(let index): pacing = Self.cycle[index]
    case .probeRoundTrip:
      pacing = 1
      target = product / 2
    }
    if yieldingRounds > 0 {
      pacing = min(pacing, 0.75)
      target = min(target, product)
    }
    if Double(window) > target { window = Int(target) }
    window = max(window, minimum)
    guard peak > 0, shortest != .max else { return }
    var bytesPerSecond = peak * pacing
    // The least window may always leave within a round trip.
    bytesPerSecond = max(bytesPerSecond, Double(minimum) * 1e9 / Double(max(shortest, 1)))
    nanosecondsPerByte = 1e9 / bytesPerSecond
  }
}
