import HeapModule
import STTSession

/// Datagrams on their way in virtual time.
package struct Link {
  package struct Flight: Comparable {
    package var arrival: MonotonicTime
    var order: Int
    package var toCollector: Bool
    package var bytes: [UInt8]
    /// The device's address as the network shows it: where a datagram comes from, or where it goes;
    /// `nil`: wherever the device is then.
    package var address: PeerAddress?

    package static func < (left: Self, right: Self) -> Bool {
      (left.arrival, left.order) < (right.arrival, right.order)
    }
    package static func == (left: Self, right: Self) -> Bool { left.order == right.order }
  }

  /// Bytes one datagram costs on a limited link beside its own: IPv4 and UDP headers.
  private static let packetOverhead = 28

  private struct Direction {
    var freeAt = MonotonicTime(nanoseconds: 0)
    var isBad = false
  }

  package var conditions: LinkConditions
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

  mutating func send(_ bytes: [UInt8], toCollector: Bool, from address: PeerAddress, now: MonotonicTime) {
    remember(Flight(arrival: now, order: 0, toCollector: toCollector, bytes: bytes, address: address))
    if let partition = conditions.partition, partition.contains(now.nanoseconds) { return }
    guard bytes.count <= conditions.largestDatagram, let leaves = queue(bytes.count, toCollector, now) else { return }
    let copies = random.chance(percent: conditions.duplicatePercent) ? 2 : 1
    for _ in 0..<copies where !isLost(toCollector) {
      var copy = bytes
      if random.chance(percent: conditions.corruptPercent), !copy.isEmpty {
        copy[random.index(below: copy.count)] ^= 1 << UInt8(random.next() % 8)
      }
      let extra = conditions.jitter == 0 ? 0 : random.next() % conditions.jitter
      inject(copy, toCollector: toCollector, from: address, arrival: leaves + (conditions.delay + extra))
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

  /// When a datagram has left a limited link; `nil` when its queue is full.
  private mutating func queue(_ byteCount: Int, _ toCollector: Bool, _ now: MonotonicTime) -> MonotonicTime? {
    guard let rate = conditions.bitsPerSecond else { return now }
    let freeAt = max(now, toCollector ? self.toCollector.freeAt : toDevice.freeAt)
    let waiting = Double(freeAt.since(now)) / 1e9 * Double(rate) / 8
    guard waiting + Double(byteCount) <= Double(conditions.queueByteCount) else { return nil }
    let leaves = freeAt + UInt64(Double((byteCount + Self.packetOverhead) * 8) / Double(rate) * 1e9)
    if toCollector { self.toCollector.freeAt = leaves } else { toDevice.freeAt = leaves }
    return leaves
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
    _ bytes: [UInt8], toCollector: Bool, from address: PeerAddress? = nil, arrival: MonotonicTime
  ) {
    sentCount += 1
    flights.insert(
      Flight(arrival: arrival, order: sentCount, toCollector: toCollector, bytes: bytes, address: address))
  }

  var nextArrival: MonotonicTime { flights.min?.arrival ?? .never }

  mutating func takeArrived(now: MonotonicTime) -> Flight? {
    guard let first = flights.min, first.arrival <= now else { return nil }
    return flights.popMin()
  }
}
