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
  /// A share of losses below this is what any path has.
  private static let loss = 0.003
  /// Beside somebody who fills the queue.
  private static let rivalAge = UInt64.seconds(15)
  private static let probeDuration = UInt64.milliseconds(200)
  /// The rate's memory, at least; two to three of these.
  private static let rateAge = UInt64.milliseconds(500)
  private static let rateRounds = 5
  /// What a sender that wakes late must be able to catch up with.
  private static let lateness = 4e-3
  private static let queueLimit = UInt64.milliseconds(50)
  /// Probes in which the queue did not empty; after so many the round trip has become longer.
  private static let mostFullProbes = 6

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
  private var cubic = CubicWindow()
  /// Yielding did not shorten the queue: somebody else fills it, and we do as they do.
  private var hasRival = false
  private var fullProbes = 0
  /// Of this round and the one before.
  private var shortestOfRound = UInt64.max
  private var shortestOfLastRound = UInt64.max
  private var shortestOfProbe = UInt64.max
  /// The longest round trip lately: what it takes when the queue is full.
  private var longest: UInt64 = 0
  private var mostInFlight = 0
  private var newlyAcknowledged = 0
  /// Bytes of this round that were lost and were sent after the bound was lowered last.
  private var newlyLost = 0
  /// The share of packets that are lost though no queue stands.
  private var usualLoss = 0.0
  private var inFlightBeforeYield = 0
  private var newlyMarked: UInt64 = 0
  /// Bytes delivered when the bound was lowered: what was sent before says nothing of it.
  private var loweredAt: UInt64 = 0
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
    mostInFlight = max(mostInFlight, inFlight)
    return stamp
  }

  mutating func noteApplicationLimited() {
    if inFlight < window { rate.noteApplicationLimited(inFlight: inFlight) }
  }

  mutating func acknowledged(_ byteCount: Int, _ stamp: DeliveryRate.Stamp, sent: MonotonicTime) {
    inFlight -= byteCount
    roundDelivered += byteCount
    newlyAcknowledged += byteCount
    rate.acknowledged(byteCount, stamp, sent: sent)
    // Towards what the model says, at most doubling a round.
    window += byteCount
  }

  mutating func lost(_ byteCount: Int, _ stamp: DeliveryRate.Stamp) {
    inFlight -= byteCount
    roundLost += byteCount
    guard stamp.delivered > loweredAt else { return }
    newlyLost += byteCount
    // A packet lost from a full queue was one too many.
    guard queueIsFull, isMoreThanUsual else { return }
    if case .startup = phase {
    } else if !hasRival {
      beginRivalry(at: mostInFlight)
    }
    lower(to: CubicWindow.afterLoss)
  }

  /// A queue on the way marked so many packets (RFC 3168): congestion, and no loss.
  mutating func marked(_ count: UInt64) { newlyMarked += count }

  /// Forgets a packet without drawing a conclusion.
  mutating func forget(_ byteCount: Int) { inFlight -= byteCount }

  /// Nothing came back for several probe timeouts (RFC 9002 section 7.6).
  mutating func collapse() { window = minimum }

  /// After all packets an acknowledgement names.
  mutating func update(roundTrip: RoundTrip, now: MonotonicTime) {
    guard let sample = rate.sample(now: now) else { return }
    noteRoundTrip(roundTrip, now)
    noteRate(sample, now)
    shortestOfRound = min(shortestOfRound, roundTrip.latest)
    shortestOfProbe = min(shortestOfProbe, roundTrip.latest)
    longest = max(longest, roundTrip.latest)
    noteMarks(sample, now)
    cubic.grow(acknowledged: newlyAcknowledged, roundTrip: roundTrip.smoothed, datagram: datagram, now: now)
    newlyAcknowledged = 0
    if sample.deliveredBefore >= roundEnd {
      roundEnd = rate.delivered
      peakRounds += 1
      endRound(sample, roundTrip, now)
    }
    advance(now)
    settle(roundTrip)
  }

  private var peak: Double { max(peaks.0, peaks.1, peaks.2) }
  /// Bytes the path holds without a queue.
  private var product: Double { shortest == .max ? 0 : peak * Double(shortest) / 1e9 }

  /// Whether a queue stood all through the last round: its shortest round trip says so, which no jitter makes longer.
  private var queueStands: Bool {
    shortestOfLastRound != .max && shortestOfLastRound > shortestWithQueue
  }

  /// A longer round trip has a queue in it.
  private var shortestWithQueue: UInt64 {
    guard shortest != .max else { return .max }
    let datagrams = peak > 0 ? UInt64(min(1e9, 3e9 * Double(datagram) / peak)) : 0
    return shortest + max(shortest / 8, .milliseconds(2), datagrams)
  }

  private var queueIsFull: Bool {
    queueStands && shortestOfLastRound > shortest && shortestOfLastRound - shortest > (longest - min(longest, shortest)) / 2
  }

  /// Whether more is lost in this round than the path loses without a queue.
  private var isMoreThanUsual: Bool {
    guard usualLoss > Self.loss else { return true }
    return Double(newlyLost) > 3 * usualLoss * Double(max(mostInFlight, roundDelivered)) + Double(4 * datagram)
  }

  private mutating func noteUsualLoss() {
    guard roundDelivered > 10 * datagram else { return }
    let share = Double(newlyLost) / Double(newlyLost + roundDelivered)
    usualLoss += (share - usualLoss) * (share > usualLoss ? 0.25 : 0.03)
  }

  private mutating func beginRivalry(at inFlight: Int) {
    hasRival = true
    fullProbes = 0
    fullRounds = 3
    cubic.begin(at: inFlight)
  }

  private mutating func lower(to factor: Double) {
    cubic.reduce(to: factor, inFlight: mostInFlight)
    loweredAt = rate.delivered
  }

  private mutating func noteMarks(_ sample: DeliveryRate.Sample, _ now: MonotonicTime) {
    guard newlyMarked > 0 else { return }
    newlyMarked = 0
    guard sample.deliveredBefore >= loweredAt else { return }
    if case .startup = phase {
      fullRounds = 3
      enter(.drain, now)
    }
    lower(to: CubicWindow.afterMark)
  }

  private mutating func noteRoundTrip(_ roundTrip: RoundTrip, _ now: MonotonicTime) {
    if roundTrip.latest <= shortest {
      shortest = roundTrip.latest
      shortestAt = now
    } else if now.since(shortestAt) > (hasRival ? Self.rivalAge : Self.roundTripAge) {
      switch phase {
      case .cruise, .drain:
        // A queue as long as what we let go of takes a smoothed round trip to drain.
        phase = .probeRoundTrip(until: now + max(Self.probeDuration, hasRival ? 2 * roundTrip.smoothed : shortest))
        shortestOfProbe = roundTrip.latest
        shortestAt = now
        if !hasRival { shortest = roundTrip.latest }
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
    let stood = queueStands
    shortestOfLastRound = sample.isApplicationLimited ? .max : shortestOfRound
    shortestOfRound = .max
    if !stood, !queueStands { noteUsualLoss() }
    newlyLost = 0
    roundLost = 0
    roundDelivered = 0
    if !queueStands, shortestOfLastRound != .max { cubic.recover() }
    // It is forgotten slowly, as it was long ago.
    longest -= min(longest, longest / 64)
    mostInFlight = inFlight
    guardQueue(queue, now)
    let weight = 0.125
    smoothedRate += (peak - smoothedRate) * (smoothedRate == 0 ? 1 : weight)
  }

  /// Yields to a queue that stands; stops yielding when that does not help.
  private mutating func guardQueue(_ queue: UInt64, _ now: MonotonicTime) {
    guard queue > max(Self.queueLimit, shortest / 4), !hasRival else {
      standingRounds = 0
      yieldingRounds = 0
      return
    }
    standingRounds += 1
    guard standingRounds > 1 else { return }
    if case .startup = phase { enter(.drain, now) }
    yieldingRounds += 1
    if yieldingRounds == 1 { inFlightBeforeYield = mostInFlight }
    if yieldingRounds > 4 {
      yieldingRounds = 0
      standingRounds = 0
      beginRivalry(at: inFlightBeforeYield)
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
        if hasRival { endProbeBesideRival() }
        enter(fullRounds >= 3 ? .cruise(2) : .startup, now)
      }
    }
  }

  /// All of us probe at the same time, for all see the same queue: if it emptied, nobody else fills it.
  private mutating func endProbeBesideRival() {
    fullProbes += 1
    if shortestOfProbe <= shortest + max(shortest / 4, .milliseconds(5)) {
      hasRival = false
    } else if fullProbes >= Self.mostFullProbes {
      shortest = shortestOfProbe
      hasRival = false
    }
  }

  private mutating func settle(_ roundTrip: RoundTrip) {
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
    if case .probeRoundTrip = phase {
    } else if hasRival {
      pacing = max(pacing, 1.25 * cubic.byteCount * 1e9 / (Double(max(1, roundTrip.smoothed)) * max(1, peak)))
      target = cubic.byteCount
    } else {
      target = min(target, cubic.byteCount)
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
