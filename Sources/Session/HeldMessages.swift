import STTBuffers
import STTWire

/// Messages of one stream that can't be delivered yet, because parts of them are missing or of an earlier one: by their numbers
/// in a table that is as long as the gap is wide.
///
/// A bit tells which places are taken. The others are never touched: a table for a wide gap with little behind it costs little.
struct HeldMessages: ~Copyable {
  /// When a message can be delivered.
  enum Turn {
    /// As soon as it is whole.
    case now
    /// As soon as it is whole, if no other is held.
    case alone
    /// After another, if ever.
    case later
  }

  private static let fewestPlaces: UInt64 = 64
  /// What is kept of the table while nothing is held.
  private static let mostIdlePlaces: UInt64 = 4096

  private var places: UnsafeMutablePointer<HeldMessage>
  private var taken: UnsafeMutablePointer<UInt64>
  /// Messages it has places for: a power of two, or 0.
  private(set) var placeCount: UInt64 = 0
  private var count = 0
  private(set) var byteCount = 0
  private var packed = PackedMessages()

  init() {
    places = .allocate(capacity: 0)
    taken = .allocate(capacity: 0)
  }

  deinit {
    for place in 0..<placeCount where isTaken(place) { (places + Int(place)).deinitialize(count: 1) }
    places.deallocate()
    taken.deallocate()
  }

  var isEmpty: Bool { count == 0 }

  private func place(of number: UInt64) -> UInt64 { number & (placeCount - 1) }
  private func isTaken(_ place: UInt64) -> Bool { taken[Int(place >> 6)] >> (place & 63) & 1 == 1 }

  private mutating func put(_ message: consuming HeldMessage, at place: UInt64) {
    (places + Int(place)).initialize(to: message)
    taken[Int(place >> 6)] |= 1 << (place & 63)
  }

  private mutating func take(at place: UInt64) -> HeldMessage {
    taken[Int(place >> 6)] &= ~(1 << (place & 63))
    return (places + Int(place)).move()
  }

  private func holds(_ number: UInt64) -> Bool {
    guard count > 0 else { return false }
    let place = place(of: number)
    return isTaken(place) && places[Int(place)].number == number
  }

  /// Whether message `number` is here, and whole.
  func holdsComplete(_ number: UInt64) -> Bool { holds(number) && places[Int(place(of: number))].isComplete }

  /// Whether a part of message `number` is here, and not all of it.
  func isBegun(_ number: UInt64) -> Bool { holds(number) && !places[Int(place(of: number))].isComplete }

  /// Whether a newer message has taken the place of `number`.
  func isReplaced(_ number: UInt64) -> Bool {
    guard count > 0 else { return false }
    let place = place(of: number)
    return isTaken(place) && places[Int(place)].number > number
  }

  /// The first message from `number` on, before `end`, that is here and whole; those that are not are let go. `end` if there is
  /// none.
  mutating func nextComplete(from number: UInt64, before end: UInt64) -> UInt64 {
    var number = number
    let limit = placeCount > 0 ? min(end, number + placeCount) : number
    while count > 0, number < limit {
      let place = place(of: number)
      let bits = taken[Int(place >> 6)] >> (place & 63)
      guard bits != 0 else {
        number += 64 - place & 63
        continue
      }
      number += UInt64(bits.trailingZeroBitCount)
      guard number < limit else { break }
      if holdsComplete(number) { return number }
      drop(number)
      number += 1
    }
    return end
  }

  /// Hands over message `number`, if it is whole. Who gets a packed one spends it.
  mutating func takeComplete(_ number: UInt64) -> HeldMessage? {
    guard holdsComplete(number) else { return nil }
    let message = take(at: place(of: number))
    vacate(message)
    return message
  }

  /// Lends the bytes of a packed message that was taken, and forgets them.
  mutating func spend<R>(_ message: PackedMessage, _ body: (RawSpan) -> R) -> R {
    let result = packed.withBytes(of: message, body)
    packed.release(message)
    return result
  }

  mutating func drop(_ number: UInt64) {
    if holds(number) { letGo(at: place(of: number)) }
  }

  mutating func letGo(below number: UInt64) {
    guard count > 0 else { return }
    for place in 0..<placeCount where isTaken(place) && places[Int(place)].number < number { letGo(at: place) }
  }

  private mutating func letGo(at place: UInt64) {
    let message = take(at: place)
    vacate(message)
    if case .packed(let small) = consume message { packed.release(small) }
  }

  /// `message` no longer takes a place; of a packed one the bytes are still there.
  private mutating func vacate(_ message: borrowing HeldMessage) {
    count -= 1
    byteCount -= message.byteCount
  }

  /// Keeps a small message that is whole and not yet in turn. `false`: no memory, or more than `granted` bytes.
  mutating func pack<Sink: MessageSink & ~Copyable>(
    _ number: UInt64, _ bytes: RawSpan, granted: Int, from sink: inout Sink
  ) -> Bool {
    guard !holdsComplete(number) else { return true }
    guard byteCount + bytes.byteCount <= granted,
      let small = packed.add(number, bytes, { Self.spareLease($0, from: &sink) })
    else { return false }
    put(.packed(small), at: place(of: number))
    count += 1
    byteCount += bytes.byteCount
    return true
  }

  /// Puts bytes where they belong. `false`: no memory, more than `granted` bytes, another message in its place, or a total that
  /// contradicts an earlier part.
  ///
  /// - Parameter evicting: an older message makes room.
  mutating func place<Sink: MessageSink & ~Copyable>(
    _ number: UInt64, _ prefix: DataPrefix, _ bytes: RawSpan, granted: Int, _ turn: Turn, evicting: Bool = false,
    from sink: inout Sink
  ) -> Bool {
    if placeCount == 0 { resize(to: Self.fewestPlaces) }
    let place = place(of: number)
    if isTaken(place), places[Int(place)].number != number {
      guard evicting, places[Int(place)].number < number else { return false }
      letGo(at: place)
    }
    if !isTaken(place) {
      guard let fresh = begin(number, prefix.total, granted: granted, turn, from: &sink) else { return false }
      put(.partial(fresh), at: place)
    }
    switch take(at: place) {
    case .packed(let small):
      // It is whole already.
      put(.packed(small), at: place)
      return true
    case .partial(var message):
      let placed = message.total == prefix.total && message.place(bytes, at: prefix.offset)
      put(.partial(message), at: place)
      return placed
    }
  }

  private mutating func begin<Sink: MessageSink & ~Copyable>(
    _ number: UInt64, _ total: UInt32, granted: Int, _ turn: Turn, from sink: inout Sink
  ) -> PartialMessage? {
    let bytes = Int(total)
    guard byteCount + bytes <= granted else { return nil }
    let isInTurn = turn == .now || turn == .alone && count == 0
    guard let lease = isInTurn ? sink.lease(atLeast: bytes) : Self.spareLease(bytes, from: &sink) else { return nil }
    count += 1
    byteCount += bytes
    return PartialMessage(number: number, total: total, lease: lease)
  }

  /// Never the last buffer: what waits for an earlier message would hold them all, and that message, when it comes, would
  /// have none.
  private static func spareLease<Sink: MessageSink & ~Copyable>(_ byteCount: Int, from sink: inout Sink) -> Lease? {
    guard let lease = sink.lease(atLeast: byteCount) else { return nil }
    switch sink.lease(atLeast: byteCount) {
    case .some: return lease
    case .none: return nil
    }
  }

  /// Makes the table wide enough for message `number`, where `next` is the next in turn.
  mutating func makeRoom(for number: UInt64, from next: UInt64) {
    var wider = max(placeCount, Self.fewestPlaces)
    while number - next >= wider { wider *= 2 }
    if wider != placeCount { resize(to: wider) }
  }

  /// Gives a large table back while nothing is held.
  mutating func shrink() {
    if count == 0, placeCount > Self.mostIdlePlaces { resize(to: Self.fewestPlaces) }
  }

  private mutating func resize(to newCount: UInt64) {
    let newPlaces = UnsafeMutablePointer<HeldMessage>.allocate(capacity: Int(newCount))
    let newTaken = UnsafeMutablePointer<UInt64>.allocate(capacity: Int(newCount / 64))
    newTaken.initialize(repeating: 0, count: Int(newCount / 64))
    if count > 0 {
      for place in 0..<placeCount where isTaken(place) {
        let message = (places + Int(place)).move()
        let newPlace = message.number & (newCount - 1)
        (newPlaces + Int(newPlace)).initialize(to: message)
        newTaken[Int(newPlace >> 6)] |= 1 << (newPlace & 63)
      }
    }
    places.deallocate()
    taken.deallocate()
    places = newPlaces
    taken = newTaken
    placeCount = newCount
  }
}

/// One of them.
enum HeldMessage: ~Copyable {
  case partial(PartialMessage)
  case packed(PackedMessage)

  var number: UInt64 {
    switch self {
    case .partial(let message): message.number
    case .packed(let message): message.number
    }
  }

  var isComplete: Bool {
    switch self {
    case .partial(let message): message.isComplete
    case .packed: true
    }
  }

  var byteCount: Int {
    switch self {
    case .partial(let message): Int(message.total)
    case .packed(let message): Int(message.byteCount)
    }
  }
}
