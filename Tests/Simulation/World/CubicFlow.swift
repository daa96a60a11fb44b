import HeapModule
import STTSession
import STTWire

/// Somebody else's bulk transfer: TCP's CUBIC (RFC 9438) with selective acknowledgements, as a model. What it
/// sends waits in the same queue as ours, and only its packets' sizes and times are real.
package final class CubicFlow {
  private static let segment = 1200
  private static let beta = 0.7
  private static let scale = 0.4
  private static let reordering: UInt64 = 3
  private static let leastTimeout = UInt64.milliseconds(200)

  private struct Packet {
    var sent: MonotonicTime
    var isSettled = false
  }

  private struct Answer: Comparable {
    var arrival: MonotonicTime
    var number: UInt64
    static func < (left: Self, right: Self) -> Bool { (left.arrival, left.number) < (right.arrival, right.number) }
  }

  private let bottleneck: Bottleneck
  private let roundTrip: UInt64
  private var answers = Heap<Answer>()
  /// By number, from ``first`` on.
  private var packets: [Packet] = []
  private var first: UInt64 = 0
  private var next: UInt64 { first + UInt64(packets.count) }
  private var inFlight = 0
  private var highest: UInt64?
  /// In segments.
  package private(set) var window = 10.0
  private var threshold = Double.infinity
  private var windowMax = 0.0
  private var epoch: MonotonicTime?
  private var epochWindow = 0.0
  private var plateau = 0.0
  private var renoWindow = 0.0
  /// One reduction a round trip: packets from here on were sent after the last.
  private var recoverUntil: UInt64 = 0
  private var smoothed = 0.0
  private var variation = 0.0
  private var lastProgress: MonotonicTime
  private var backoff: UInt64 = 0
  private let start: MonotonicTime
  package private(set) var deliveredByteCount = 0
  package private(set) var lostCount = 0

  package init(_ bottleneck: Bottleneck, roundTrip: UInt64, start: MonotonicTime) {
    self.bottleneck = bottleneck
    self.roundTrip = roundTrip
    self.start = start
    lastProgress = start
  }

  package var nextEvent: MonotonicTime {
    if next == 0 { return start }
    return min(answers.min?.arrival ?? .never, timeout)
  }

  private var timeout: MonotonicTime {
    guard inFlight > 0 else { return .never }
    // RFC 6298.
    let base = smoothed == 0 ? UInt64.seconds(1) : max(Self.leastTimeout, UInt64(smoothed + 4 * variation))
    return lastProgress + base << min(backoff, 6)
  }

  package func advance(to now: MonotonicTime) {
    guard now >= start else { return }
    while let answer = answers.min, answer.arrival <= now {
      answers.removeMin()
      acknowledge(answer.number, now)
    }
    if now >= timeout { timeOut(now) }
    send(now)
  }

  private func send(_ now: MonotonicTime) {
    while Double(inFlight) < window {
      let number = next
      packets.append(Packet(sent: now))
      if inFlight == 0 { lastProgress = now }
      inFlight += 1
      guard let passage = bottleneck.pass(Self.segment, .notCapable, now: now) else { continue }
      answers.insert(Answer(arrival: passage.leaves + roundTrip, number: number))
    }
  }

  private func acknowledge(_ number: UInt64, _ now: MonotonicTime) {
    guard number >= first else { return }
    let place = Int(number - first)
    deliveredByteCount += Self.segment
    guard !packets[place].isSettled else { return }
    packets[place].isSettled = true
    inFlight -= 1
    measure(Double(now.since(packets[place].sent)))
    lastProgress = now
    backoff = 0
    highest = max(highest ?? 0, number)
    findLost(now)
    if number >= recoverUntil { grow(now) }
    forget()
  }

  private func findLost(_ now: MonotonicTime) {
    guard let highest else { return }
    var number = first
    while number + Self.reordering <= highest {
      let place = Int(number - first)
      if !packets[place].isSettled {
        packets[place].isSettled = true
        inFlight -= 1
        lostCount += 1
        if number >= recoverUntil { reduce(now) }
      }
      number += 1
    }
  }

  private func forget() {
    var count = 0
    while count < packets.count, packets[count].isSettled { count += 1 }
    // Seldom, because it moves all that is left.
    guard count > 256 || count == packets.count else { return }
    packets.removeFirst(count)
    first += UInt64(count)
  }

  private func measure(_ sample: Double) {
    if smoothed == 0 {
      smoothed = sample
      variation = sample / 2
    } else {
      variation = 0.75 * variation + 0.25 * abs(smoothed - sample)
      smoothed = 0.875 * smoothed + 0.125 * sample
    }
  }

  /// RFC 9438 sections 4.6 and 4.7.
  private func reduce(_ now: MonotonicTime) {
    recoverUntil = next
    windowMax = window < windowMax ? window * (1 + Self.beta) / 2 : window
    window = max(2, window * Self.beta)
    threshold = window
    epoch = nil
  }

  /// RFC 9438 section 4.8.
  private func timeOut(_ now: MonotonicTime) {
    for place in packets.indices where !packets[place].isSettled {
      packets[place].isSettled = true
      lostCount += 1
    }
    windowMax = window
    threshold = max(2, window * Self.beta)
    window = 1
    inFlight = 0
    epoch = nil
    recoverUntil = next
    backoff += 1
    lastProgress = now
    forget()
  }

  /// RFC 9438 sections 4.2 to 4.5, for one acknowledged segment.
  private func grow(_ now: MonotonicTime) {
    if window < threshold {
      window += 1
      return
    }
    if epoch == nil {
      epoch = now
      epochWindow = window
      if windowMax < window { windowMax = window }
      plateau = cubeRoot((windowMax - window) / Self.scale)
      renoWindow = window
    }
    let elapsed = Double(now.since(epoch ?? now) + UInt64(smoothed)) / 1e9
    let target = min(max(Self.scale * cube(elapsed - plateau) + windowMax, window), 1.5 * window)
    renoWindow += (renoWindow >= windowMax ? 1 : 3 * (1 - Self.beta) / (1 + Self.beta)) / window
    window += (target - window) / window
    if window < renoWindow { window = renoWindow }
  }

  private func cube(_ value: Double) -> Double { value * value * value }

  private func cubeRoot(_ value: Double) -> Double {
    guard value > 0 else { return 0 }
    var root = max(1, value)
    for _ in 0..<60 { root = (2 * root + value / (root * root)) / 3 }
    return root
  }
}
