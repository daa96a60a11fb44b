import STTSession
import STTWire

/// A session and what belongs to it.
struct SessionSlot: ~Copyable {
  var session: Session
  var outbox = Outbox(role: .responder)
  let peer: Int
  let address: PeerAddress
  var reportedClock: ClockEstimate?

  init(_ session: consuming Session, peer: Int, address: PeerAddress) {
    self.session = session
    self.peer = peer
    self.address = address
  }
}

/// A fixed number of places for sessions, found by session id.
struct SessionTable: ~Copyable {
  private let slots: UnsafeMutablePointer<SessionSlot>
  private var free: [Int]
  private var places: [SessionID: Int] = [:]
  /// When each place next wants attention, in nanoseconds; `.max` for empty ones.
  private var deadlines: [UInt64]
  let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    slots = .allocate(capacity: capacity)
    free = Array((0..<capacity).reversed())
    deadlines = Array(repeating: .max, count: capacity)
  }

  deinit {
    for place in places.values { (slots + place).deinitialize(count: 1) }
    slots.deallocate()
  }

  var count: Int { places.count }
  var isFull: Bool { free.isEmpty }

  func find(_ id: SessionID) -> Int? { places[id] }

  mutating func insert(_ slot: consuming SessionSlot) -> Int? {
    guard let place = free.popLast() else { return nil }
    places[slot.session.id] = place
    deadlines[place] = 0
    (slots + place).initialize(to: slot)
    return place
  }

  mutating func remove(_ place: Int) -> SessionSlot {
    let slot = (slots + place).move()
    places[slot.session.id] = nil
    deadlines[place] = .max
    free.append(place)
    return slot
  }

  /// The place's memory; valid until the place is removed.
  func slot(_ place: Int) -> UnsafeMutablePointer<SessionSlot> { slots + place }

  func isOccupied(_ place: Int) -> Bool { deadlines[place] != .max }

  mutating func setDeadline(_ place: Int, _ time: MonotonicTime) {
    // Occupied places never show the mark of an empty one.
    deadlines[place] = min(time.nanoseconds, .max - 1)
  }

  func deadline(_ place: Int) -> UInt64 { deadlines[place] }

  var nextDeadline: MonotonicTime { MonotonicTime(nanoseconds: deadlines.min() ?? .max) }
}
