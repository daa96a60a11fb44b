/// Debouncing of one line where the kernel doesn't do it for us: a level counts once it has lasted.
struct Steadiness {
  /// A level and the moment of the edge that began it, in nanoseconds of the monotonic clock.
  struct Level: Hashable {
    var isActive: Bool
    var since: UInt64
  }

  private var told: Bool
  private var pending: Level?

  init(isActive: Bool) { told = isActive }

  /// When the pending level has lasted long enough.
  func due(after debounce: UInt64) -> UInt64? { pending.map { $0.since &+ debounce } }

  /// Takes an edge; answers the level that had lasted when it came, if nobody was told yet.
  mutating func change(isActive: Bool, at time: UInt64, _ debounce: UInt64) -> Level? {
    let settled = settle(now: time, debounce)
    pending = Level(isActive: isActive, since: time)
    return settled
  }

  /// Takes a level that was read: one that no edge told of begins to last now.
  mutating func see(isActive: Bool, at time: UInt64) {
    if pending == nil, told != isActive { pending = Level(isActive: isActive, since: time) }
  }

  /// The level that has lasted, if nobody was told yet.
  mutating func settle(now: UInt64, _ debounce: UInt64) -> Level? {
    guard let level = pending, now >= level.since, now - level.since >= debounce else { return nil }
    pending = nil
    // A spike: the level is again what it was.
    guard told != level.isActive else { return nil }
    told = level.isActive
    return level
  }
}
