import STTWire

/// How large a datagram the path carries, found out by padded KEEP_ALIVEs that may get lost
/// (RFC 8899, docs/protocol.md 2.14).
///
/// Starts at what every path carries, climbs size by size, and falls back to the start when large
/// datagrams stop getting through.
struct PathMTU: Sendable {
  /// UDP payloads of common paths: IPv6's least with IPv4 below, tunnels, PPPoE, Ethernet, jumbo frames,
  /// loopback.
  private static let sizes = [1280, 1400, 1452, 1472, 4096, 8952, 16_384, 32_768, 65_507]
  /// A size that was lost so often is too large (RFC 8899 section 5.1.2).
  private static let mostTries = 3
  /// A path may have changed for the better (RFC 8899 section 5.1.1, PMTU_RAISE_TIMER).
  private static let searchAgain = UInt64.seconds(600)
  /// After a fall the search begins again, soon but not at once.
  private static let recover = UInt64.seconds(5)
  /// So many large datagrams in a row, with none getting through, are a black hole and no bad luck.
  static let blackHole = 10

  let base: Int
  let limit: Int
  /// Bytes of the largest datagram known to get through.
  private(set) var current: Int
  private var next = 0
  private var tries = 0
  private(set) var isProbing = false
  /// An end that sends no streams has no use for large datagrams.
  var isWanted = false
  private var due = MonotonicTime(nanoseconds: 0)
  private var lostInARow = 0

  /// - Parameters:
  ///   - base: bytes used without having asked.
  ///   - limit: bytes both ends are ready for.
  init(base: Int, limit: Int) {
    self.base = base
    self.limit = max(base, limit)
    current = base
  }

  private func candidate(_ index: Int) -> Int? {
    let larger = Self.sizes.lazy.filter { [base, limit] in $0 > base && $0 < limit }
    if index < larger.count { return larger[larger.index(larger.startIndex, offsetBy: index)] }
    return index == larger.count && limit > base ? limit : nil
  }

  /// The size to probe now, if any.
  func probe(_ now: MonotonicTime) -> Int? {
    guard isWanted, current < limit, !isProbing, now >= due else { return nil }
    return candidate(next)
  }

  /// When ``probe(_:)`` has an answer, if nothing happens before.
  var deadline: MonotonicTime { isWanted && current < limit && !isProbing && candidate(next) != nil ? due : .never }

  mutating func probeSent() { isProbing = true }

  mutating func probeAcknowledged(_ byteCount: Int) {
    isProbing = false
    tries = 0
    lostInARow = 0
    guard byteCount > current else { return }
    current = byteCount
    while let size = candidate(next), size <= current { next += 1 }
  }

  mutating func probeLost(_ now: MonotonicTime) {
    isProbing = false
    tries += 1
    if tries >= Self.mostTries {
      tries = 0
      due = now + Self.searchAgain
    }
  }

  /// A datagram with data in it was acknowledged.
  mutating func acknowledged(_ byteCount: Int) {
    if byteCount > base { lostInARow = 0 }
  }

  /// A datagram with data in it was lost. Answers whether the size fell.
  mutating func lost(_ byteCount: Int, _ now: MonotonicTime) -> Bool {
    guard byteCount > base, current > base else { return false }
    lostInARow += 1
    guard lostInARow >= Self.blackHole else { return false }
    fall(now)
    return true
  }

  /// Back to the base; the search begins again in a while.
  mutating func fall(_ now: MonotonicTime) {
    current = base
    next = 0
    tries = 0
    lostInARow = 0
    isProbing = false
    due = now + Self.recover
  }

  /// Another path: nothing is known of it.
  mutating func restart(_ now: MonotonicTime) {
    fall(now)
    due = now
  }
}
