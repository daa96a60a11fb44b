import STTSession
import STTWire

/// A session and what belongs to it.
struct SessionSlot: ~Copyable {
  var session: Session
  var outbox = Outbox(role: .responder)
  let peer: Int
  /// The seed it was made with.
  let epoch: UInt32
  /// Whether IDENTITY came in this session and verified.
  var hasProvenIdentity = false
  /// The epoch this session's device was offered.
  var offeredEpoch: UInt32?
  var address: PeerAddress
  var candidate: Candidate?
  var reportedClock: ClockEstimate?
  /// While the device may still show its identity.
  var identity: IdentityExchange?
  /// When it must have, at the latest.
  var identityDeadline = MonotonicTime.never

  init(_ session: consuming Session, peer: Int, epoch: UInt32, address: PeerAddress) {
    self.session = session
    self.peer = peer
    self.epoch = epoch
    self.address = address
  }
}

/// A fixed number of places for sessions, found by session id.
struct SessionTable: ~Copyable {
  private let slots: UnsafeMutablePointer<SessionSlot>
  private var free: [Int]
  private var places: [SessionID: Int] = [:]
  /// What was found last: datagrams come in bursts of one session.
  private var recent: (id: SessionID, place: Int)?
  /// When each place next wants attention, in nanoseconds; `.max` for empty ones.
  private var deadlines: DeadlineTree
  private var occupied = 0
  let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    slots = .allocate(capacity: capacity)
    free = Array((0..<capacity).reversed())
    deadlines = DeadlineTree(capacity: capacity)
  }

  deinit {
    for place in 0..<capacity where isOccupied(place) { (slots + place).deinitialize(count: 1) }
    slots.deallocate()
  }

  var count: Int { occupied }
  var isFull: Bool { free.isEmpty }

  func contains(_ id: SessionID) -> Bool { places[id] != nil }

  mutating func find(_ id: SessionID) -> Int? {
    if let recent, recent.id == id { return recent.place }
    guard let place = places[id] else { return nil }
    recent = (id, place)
    return place
  }

  mutating func insert(_ slot: consuming SessionSlot) -> Int? {
    guard let place = free.popLast() else { return nil }
    places[slot.session.name] = place
    places[slot.session.answersTo.2] = place
    deadlines[place] = 0
    occupied += 1
    (slots + place).initialize(to: slot)
    return place
  }

  mutating func remove(_ place: Int) -> SessionSlot {
    let slot = (slots + place).move()
    let names = slot.session.answersTo
    recent = nil
    if let previous = names.0 { places[previous] = nil }
    places[names.1] = nil
    places[names.2] = nil
    occupied -= 1
    deadlines[place] = DeadlineTree.never
    free.append(place)
    return slot
  }

  /// The session in `place` took its next name: the one before the last is forgotten.
  mutating func rename(_ place: Int, forgetting old: SessionID?) {
    recent = nil
    if let old { places[old] = nil }
    places[slots[place].session.answersTo.2] = place
  }

  /// The place's memory; valid until the place is removed.
  func slot(_ place: Int) -> UnsafeMutablePointer<SessionSlot> { slots + place }

  func isOccupied(_ place: Int) -> Bool { deadlines[place] != DeadlineTree.never }

  mutating func setDeadline(_ place: Int, _ time: MonotonicTime) {
    // Occupied places never show the mark of an empty one.
    deadlines[place] = min(time.nanoseconds, .max - 1)
  }

  /// The first place from `start` on that wants attention by `now`.
  func due(at now: MonotonicTime, from start: Int) -> Int? { deadlines.due(at: now.nanoseconds, from: start) }

  var nextDeadline: MonotonicTime { MonotonicTime(nanoseconds: deadlines.earliest) }
}
