/// What a packet held, so that its loss can be mended.
struct SentPacket {
  enum Content: UInt8 {
    /// A part of one message.
    case fragment
    /// Runs of whole messages, and perhaps stream acknowledgements.
    case bundle
    /// A part of a STREAM_OPEN.
    case open
    /// STREAM_FIN.
    case end
    /// A KEEP_ALIVE: nothing to mend.
    case probe
    /// A part of a control message.
    case control
    /// A SKIP.
    case skip
    /// Parity: what it protects is mended by itself.
    case parity
    /// A padded KEEP_ALIVE that asks whether the path carries its size.
    case pathProbe
  }

  var sent: MonotonicTime
  var stamp = DeliveryRate.Stamp()
  var message: UInt64 = 0
  /// First of its runs in the ring of runs.
  var runStart: UInt64 = 0
  var byteCount: Int32
  var offset: UInt32 = 0
  var count: UInt32 = 0
  var stream: UInt16 = 0
  var runCount: UInt16 = 0
  var content: Content
  var holdsStreamAcks = false
  /// Its length is rounded up; of no interest once it was sent.
  var pads = false
  /// It left as ECT(0).
  var isMarked = false
}

/// Consecutive messages of one stream inside a bundle.
struct MessageRun {
  var stream: UInt16
  var count: UInt16
  var first: UInt64
}

/// Packets on their way, by packet number (RFC 9002 section 6).
///
/// A ring with one bit per packet still unresolved, so that an acknowledgement of a thousand packets
/// costs sixteen word operations plus the work for those it is the first to name.
struct SentPackets: ~Copyable {
  /// Packets that may be unresolved at once: a 100 ms round trip at 1 Gbit/s.
  static let most: UInt64 = 16_384
  // An idle session has one or two on their way.
  private static let fewest: UInt64 = 8

  private var packets: UnsafeMutablePointer<SentPacket>
  private var unresolved: UnsafeMutablePointer<UInt64>
  /// Packets that were given up and may still be acknowledged.
  private var lost: UnsafeMutablePointer<UInt64>
  private var capacity: UInt64
  /// How many numbers the bits are for: what was given up is remembered for a while even where few are on their way.
  private var remembered: UInt64 { max(64, capacity) }
  /// Everything before is resolved.
  private(set) var start: UInt64 = 0
  /// One past the last packet sent.
  private(set) var end: UInt64 = 0
  private(set) var largestAcknowledged: UInt64?
  private(set) var unresolvedCount = 0
  private(set) var runs = RunRing()

  init() {
    capacity = Self.fewest
    packets = .allocate(capacity: Int(capacity))
    unresolved = Self.bits(64)
    lost = Self.bits(64)
  }

  private static func bits(_ count: UInt64) -> UnsafeMutablePointer<UInt64> {
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: Int(count / 64))
    words.initialize(repeating: 0, count: Int(count / 64))
    return words
  }

  deinit {
    packets.deallocate()
    unresolved.deallocate()
    lost.deallocate()
  }

  var isFull: Bool { end - start >= Self.most }

  /// Records packet number ``end``; `nil` for one that asks for no acknowledgement.
  mutating func append(_ packet: SentPacket?) {
    if end - start == capacity { grow() }
    let slot = end & (remembered - 1)
    lost[Int(slot >> 6)] &= ~(1 << (slot & 63))
    if let packet {
      (packets + Int(end & (capacity - 1))).initialize(to: packet)
      setUnresolved(end)
      unresolvedCount += 1
    }
    end += 1
    if packet == nil { advance() }
  }

  mutating func append(run: MessageRun) -> UInt64 { runs.append(run) }

  /// Adds `count` messages of `stream` to run `index`. `false`: they are not those that follow it, or too many.
  mutating func extendRun(_ index: UInt64, _ stream: UInt16, from first: UInt64, by count: Int) -> Bool {
    let run = runs[index]
    guard run.stream == stream, run.first + UInt64(run.count) == first, Int(run.count) + count <= Int(UInt16.max) else {
      return false
    }
    runs.extend(index, by: UInt16(count))
    return true
  }

  subscript(number: UInt64) -> SentPacket { packets[Int(number & (capacity - 1))] }

  func isUnresolved(_ number: UInt64) -> Bool {
    guard number >= start, number < end else { return false }
    let slot = number & (remembered - 1)
    return unresolved[Int(slot >> 6)] >> (slot & 63) & 1 == 1
  }

  /// Settles `number`, one way or the other. The packet stays readable until the next append.
  mutating func resolve(_ number: UInt64) {
    let slot = number & (remembered - 1)
    unresolved[Int(slot >> 6)] &= ~(1 << (slot & 63))
    unresolvedCount -= 1
  }

  /// Remembers that `number` was given up, for as long as its place is not taken by another.
  mutating func noteLost(_ number: UInt64) {
    let slot = number & (remembered - 1)
    lost[Int(slot >> 6)] |= 1 << (slot & 63)
  }

  /// The smallest of the packets `number ..< number + 64` named by `word` that were given up, if any:
  /// they were only late. Forgets them.
  mutating func takeLate(_ word: UInt64, from number: UInt64) -> UInt64? {
    guard number & 63 == 0, number < end, end - number <= remembered else { return nil }
    let index = Int((number & (remembered - 1)) >> 6)
    let late = lost[index] & word
    guard late != 0 else { return nil }
    lost[index] &= ~late
    return number + UInt64(late.trailingZeroBitCount)
  }

  mutating func noteAcknowledged(_ number: UInt64) {
    if largestAcknowledged.map({ number > $0 }) ?? true { largestAcknowledged = number }
  }

  /// The bits of unresolved packets `number ..< number + 64`.
  func unresolvedWord(from number: UInt64) -> UInt64 {
    var word: UInt64 = 0
    if number & 63 == 0, number >= start, number + 64 <= end {
      return unresolved[Int((number & (remembered - 1)) >> 6)]
    }
    for bit in 0..<64 where number + UInt64(bit) >= number && isUnresolved(number + UInt64(bit)) {
      word |= 1 << UInt64(bit)
    }
    return word
  }

  /// Moves ``start`` past what is resolved, and lets go of those packets' runs.
  mutating func advance() {
    while start < end, !isUnresolved(start) {
      let slot = start & (remembered - 1)
      if slot & 63 == 0, start + 64 <= end, unresolved[Int(slot >> 6)] == 0 {
        start += 64
      } else {
        start += 1
      }
    }
    runs.release(before: start < end ? firstRunHeld() : runs.end)
  }

  private func firstRunHeld() -> UInt64 { self[start].runStart }

  private mutating func setUnresolved(_ number: UInt64) {
    let slot = number & (remembered - 1)
    unresolved[Int(slot >> 6)] |= 1 << (slot & 63)
  }

  /// Goes on with packet number `number`. Everything is resolved.
  mutating func restart(at number: UInt64) {
    precondition(unresolvedCount == 0 && number >= end, "numbers only go up")
    start = number
    end = number
    lost.update(repeating: 0, count: Int(remembered / 64))
  }

  private mutating func grow() {
    let wider = capacity * 2
    let wideBits = max(64, wider)
    let newPackets = UnsafeMutablePointer<SentPacket>.allocate(capacity: Int(wider))
    let newUnresolved = Self.bits(wideBits)
    let newLost = Self.bits(wideBits)
    var number = end - min(end, remembered)
    while number < end {
      let slot = number & (remembered - 1)
      if lost[Int(slot >> 6)] >> (slot & 63) & 1 == 1 {
        newLost[Int((number & (wideBits - 1)) >> 6)] |= 1 << (number & 63)
      }
      number += 1
    }
    number = start
    while number < end {
      if isUnresolved(number) {
        (newPackets + Int(number & (wider - 1))).initialize(to: self[number])
        let slot = number & (wideBits - 1)
        newUnresolved[Int(slot >> 6)] |= 1 << (slot & 63)
      }
      number += 1
    }
    packets.deallocate()
    unresolved.deallocate()
    lost.deallocate()
    packets = newPackets
    unresolved = newUnresolved
    lost = newLost
    capacity = wider
  }
}

/// The runs of all bundles on their way, oldest first.
struct RunRing: ~Copyable {
  private var runs: UnsafeMutablePointer<MessageRun>
  private var capacity: UInt64 = 8
  private(set) var start: UInt64 = 0
  private(set) var end: UInt64 = 0

  init() { runs = .allocate(capacity: Int(capacity)) }

  deinit { runs.deallocate() }

  subscript(index: UInt64) -> MessageRun { runs[Int(index & (capacity - 1))] }

  mutating func extend(_ index: UInt64, by count: UInt16) { runs[Int(index & (capacity - 1))].count += count }

  mutating func append(_ run: MessageRun) -> UInt64 {
    if end - start == capacity { grow() }
    (runs + Int(end & (capacity - 1))).initialize(to: run)
    end += 1
    return end - 1
  }

  mutating func release(before index: UInt64) {
    if index > start { start = min(index, end) }
  }

  private mutating func grow() {
    let wider = UnsafeMutablePointer<MessageRun>.allocate(capacity: Int(capacity * 2))
    for index in start..<end { (wider + Int(index & (capacity * 2 - 1))).initialize(to: self[index]) }
    runs.deallocate()
    runs = wider
    capacity *= 2
  }
}
