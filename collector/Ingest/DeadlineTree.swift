/// When each of many places is due, and which is due first: a tournament tree, so that one of ten thousand
/// sessions costs fourteen comparisons to put off and none to look up the earliest.
struct DeadlineTree {
  /// Of a place that is never due.
  static let never = UInt64.max

  /// Node `i` is the earlier of nodes `2i` and `2i + 1`; node 1 is the earliest of all; places begin at `leafCount`.
  private var nodes: [UInt64]
  private let leafCount: Int

  init(capacity: Int) {
    var count = 1
    while count < capacity { count *= 2 }
    leafCount = count
    nodes = Array(repeating: Self.never, count: 2 * count)
  }

  /// The earliest time of all, in nanoseconds; ``never`` if there is none.
  var earliest: UInt64 { nodes[1] }

  subscript(place: Int) -> UInt64 {
    get { nodes[leafCount + place] }
    set {
      var node = leafCount + place
      nodes[node] = newValue
      while node > 1 {
        node /= 2
        let earlier = min(nodes[2 * node], nodes[2 * node + 1])
        if nodes[node] == earlier { return }
        nodes[node] = earlier
      }
    }
  }

  /// The first place from `start` on that is due at `now`.
  func due(at now: UInt64, from start: Int) -> Int? {
    guard start < leafCount else { return nil }
    var node = leafCount + start
    while nodes[node] > now {
      // Up while this is a right child, then over to the sibling on the right.
      while node & 1 == 1 { node /= 2 }
      guard node > 0 else { return nil }
      node += 1
    }
    while node < leafCount { node = nodes[2 * node] <= now ? 2 * node : 2 * node + 1 }
    return node - leafCount
  }
}
