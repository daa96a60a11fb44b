import STC

/// Finds the pair of a HELLO by its key hint, in one look-up (docs/protocol.md 2.4).
///
/// Holds the tags of each pair's next counters. Tags are eight bytes of a keyed function: nobody
/// without the seed can aim at an entry or tell two HELLOs of one device apart from two devices'.
struct HintTable: Sendable {
  struct Entry: Hashable, Sendable {
    var pair: Int
    var counter: UInt64
  }

  /// Counters ahead of the last accepted one that are recognised.
  static let windowCount: UInt64 = 64

  private var entries: [UInt64: Entry] = [:]

  func find(_ tag: ArraySlice<UInt8>) -> Entry? { find(Self.key(tag)) }
  /// - Parameter tag: its eight bytes read as a big-endian number.
  func find(_ tag: UInt64) -> Entry? { entries[tag] }

  /// Makes `pair`'s window begin right after `accepted`.
  mutating func slide(pair: Int, keys: PairKeys, from previous: UInt64?, to accepted: UInt64) {
    let old = previous.map { Self.window(after: $0) } ?? 0..<0
    let new = Self.window(after: accepted)
    for counter in old where !new.contains(counter) {
      let key = Self.key(keys.hint(counter: counter)[...])
      if entries[key]?.pair == pair { entries[key] = nil }
    }
    for counter in new where !old.contains(counter) {
      entries[Self.key(keys.hint(counter: counter)[...])] = Entry(pair: pair, counter: counter)
    }
  }

  mutating func remove(pair: Int) {
    entries = entries.filter { $0.value.pair != pair }
  }

  private static func window(after accepted: UInt64) -> Range<UInt64> {
    guard accepted < .max - windowCount else { return 0..<0 }
    return accepted + 1..<accepted + 1 + windowCount
  }

  private static func key(_ tag: ArraySlice<UInt8>) -> UInt64 {
    tag.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
