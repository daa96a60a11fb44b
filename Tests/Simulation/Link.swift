import STTSession

/// What a link does to datagrams, each way alike.
struct LinkConditions {
  var lossPercent = 0.0
  var duplicatePercent = 0.0
  /// Extra delay of up to this much, drawn per datagram: what reorders them.
  var jitter: UInt64 = 0
  var delay = UInt64.milliseconds(10)
  var corruptPercent = 0.0
  /// Larger ones vanish without a word.
  var largestDatagram = 65_507
  /// Nothing passes between these times.
  var partition: Range<UInt64>?
}

/// Datagrams on their way in virtual time.
struct Link {
  struct Flight {
    var arrival: MonotonicTime
    var order: Int
    var toCollector: Bool
    var bytes: [UInt8]
    /// The address the device had when it sent this.
    var source: PeerAddress?
  }

  var conditions: LinkConditions
  private var random: SplitMix
  private var flights: [Flight] = []
  private var sentCount = 0
  /// Every datagram ever given to the link, for replaying.
  private(set) var history: [(toCollector: Bool, bytes: [UInt8])] = []
  var keepsHistory = false

  init(conditions: LinkConditions, seed: UInt64) {
    self.conditions = conditions
    random = SplitMix(seed: seed)
  }

  mutating func send(_ bytes: [UInt8], toCollector: Bool, from source: PeerAddress? = nil, now: MonotonicTime) {
    if keepsHistory { history.append((toCollector, bytes)) }
    if bytes.count > conditions.largestDatagram { return }
    if let partition = conditions.partition, partition.contains(now.nanoseconds) { return }
    let copies = random.chance(percent: conditions.duplicatePercent) ? 2 : 1
    for _ in 0..<copies where !random.chance(percent: conditions.lossPercent) {
      var copy = bytes
      if random.chance(percent: conditions.corruptPercent), !copy.isEmpty {
        copy[Int(random.next() % UInt64(copy.count))] ^= 1 << UInt8(random.next() % 8)
      }
      let extra = conditions.jitter == 0 ? 0 : random.next() % conditions.jitter
      inject(copy, toCollector: toCollector, from: source, arrival: now + (conditions.delay + extra))
    }
  }

  mutating func inject(
    _ bytes: [UInt8], toCollector: Bool, from source: PeerAddress? = nil, arrival: MonotonicTime
  ) {
    sentCount += 1
    let flight = Flight(arrival: arrival, order: sentCount, toCollector: toCollector, bytes: bytes, source: source)
    let place = flights.firstIndex { ($0.arrival, $0.order) > (flight.arrival, flight.order) } ?? flights.count
    flights.insert(flight, at: place)
  }

  var nextArrival: MonotonicTime { flights.first?.arrival ?? .never }

  mutating func takeArrived(now: MonotonicTime) -> Flight? {
    guard let first = flights.first, first.arrival <= now else { return nil }
    return flights.removeFirst()
  }
}
