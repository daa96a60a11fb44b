import HeapModule
import STTSession
import STTWire

/// Datagrams on their way in virtual time.
package struct Link {
  package struct Flight: Comparable {
    package var arrival: MonotonicTime
    var order: Int
    package var toCollector: Bool
    package var bytes: [UInt8]
    package var ecn = ECN.notCapable
    /// The device's address as the network shows it: where a datagram comes from, or where it goes;
    /// `nil`: wherever the device is then.
    package var address: PeerAddress?

    package static func < (left: Self, right: Self) -> Bool {
      (left.arrival, left.order) < (right.arrival, right.order)
    }
    package static func == (left: Self, right: Self) -> Bool { left.order == right.order }
  }

  private struct Direction {
    var queue = Bottleneck.Queue()
    var isBad = false
  }

  package var conditions: LinkConditions
  /// A narrow place on the way to the collector that others use too; instead of a rate of its own.
  package var shared: Bottleneck?
  private var random: SplitMix
  private var flights = Heap<Flight>()
  private var toCollector = Direction()
  private var toDevice = Direction()
  private var sentCount = 0
  /// Datagrams given to the link, for replaying: all of them, or a fair sample of so many.
  package private(set) var history: [Flight] = []
  package var historyLimit = Int.max
  package var keepsHistory = false

  init(conditions: LinkConditions, seed: UInt64) {
    self.conditions = conditions
    random = SplitMix(seed: seed)
  }

  /// Datagrams ever given to the link.
  package private(set) var datagramCount = 0
  /// Of them, those that said that their sender reacts to marks.
  package private(set) var markedCount = 0
  /// Datagrams that found a queue full, or were longer than what passes.
  package private(set) var queueDropCount = 0

  mutating func send(
    _ bytes: [UInt8], ecn: ECN = .notCapable, toCollector: Bool, from address: PeerAddress, now: MonotonicTime
  ) {
    remember(Flight(arrival: now, order: 0, toCollector: toCollector, bytes: bytes, address: address))
    if ecn != .notCapable { markedCount += 1 }
    if let partition = conditions.partition, partition.contains(now.nanoseconds) { return }
    if conditions.ecnTreatment == .drops, ecn != .notCapable { return }
    guard bytes.count <= conditions.largestDatagram, let passage = queue(bytes.count, ecn, toCollector, now) else {
      return queueDropCount += 1
    }
    let arriving = conditions.ecnTreatment.applied(to: passage.ecn)
    let copies = random.chance(percent: conditions.duplicatePercent) ? 2 : 1
    for _ in 0..<copies where !isLost(toCollector) {
      var copy = bytes
      if random.chance(percent: conditions.corruptPercent), !copy.isEmpty {
        copy[random.index(below: copy.count)] ^= 1 << UInt8(random.next() % 8)
      }
      let extra = conditions.jitter == 0 ? 0 : random.next() % conditions.jitter
      inject(
        copy, ecn: arriving, toCollector: toCollector, from: address,
        arrival: passage.leaves + (conditions.delay + extra))
    }
  }

  private mutating func remember(_ flight: Flight) {
    datagramCount += 1
    guard keepsHistory else { return }
    if history.count < historyLimit {
      history.append(flight)
    } else {
      let place = random.index(below: datagramCount)
      if place < historyLimit { history[place] = flight }
    }
  }

  /// When a datagram has left a limited link, and whether it was marked there; `nil` when its queue is full.
  private mutating func queue(_ byteCount: Int, _ ecn: ECN, _ toCollector: Bool, _ now: MonotonicTime) -> Passage? {
    if let shared, toCollector { return shared.pass(byteCount, ecn, now: now) }
    guard let rate = conditions.bitsPerSecond else { return Passage(leaves: now, ecn: ecn) }
    let limits = Bottleneck.Limits(
      bitsPerSecond: rate, queueByteCount: conditions.queueByteCount, markingByteCount: conditions.markingByteCount)
    return toCollector
      ? self.toCollector.queue.pass(byteCount, ecn, limits, now: now) : toDevice.queue.pass(byteCount, ecn, limits, now: now)
  }

  private mutating func isLost(_ toCollector: Bool) -> Bool {
    if random.chance(percent: conditions.lossPercent) { return true }
    guard let bursts = conditions.bursts else { return false }
    var isBad = toCollector ? self.toCollector.isBad : toDevice.isBad
    if random.chance(percent: isBad ? bursts.endPercent : bursts.beginPercent) { isBad.toggle() }
    if toCollector { self.toCollector.isBad = isBad } else { toDevice.isBad = isBad }
    return isBad && random.chance(percent: bursts.lossPercent)
  }

  /// Puts a datagram on its last stretch, where nothing happens to it any more.
  package mutating func inject(
    _ bytes: [UInt8], ecn: ECN = .notCapable, toCollector: Bool, from address: PeerAddress? = nil,
    arrival: MonotonicTime
  ) {
    sentCount += 1
    flights.insert(
      Flight(arrival: arrival, order: sentCount, toCollector: toCollector, bytes: bytes, ecn: ecn, address: address))
  }

  var nextArrival: MonotonicTime { flights.min?.arrival ?? .never }

  mutating func takeArrived(now: MonotonicTime) -> Flight? {
    guard let first = flights.min, first.arrival <= now else { return nil }
    return flights.popMin()
  }
}
