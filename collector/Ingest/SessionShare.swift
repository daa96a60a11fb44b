public import STTWire

/// Which of a collector's sessions one of its receive threads has: those of every `count`th device.
///
/// A device's sessions get ids that lead to its thread, so that the kernel finds it by them. What leads elsewhere is an
/// alias (docs/protocol.md 2.14), which nobody chooses: the collector passes its datagrams on.
public struct SessionShare: Sendable {
  /// What makes it unknown to others which ids lead to one thread, so that they don't tell at a glance that two
  /// sessions may be of one device. No more than that: it is no cipher.
  public struct Key: Sendable {
    public let words: (UInt32, UInt32, UInt32)

    public init<R: RandomNumberGenerator>(using generator: inout R) {
      words = (generator.next(), generator.next() | 1, generator.next() | 1)
    }

    init() { words = (0, 1, 1) }
  }

  /// Of the only thread there is.
  public static let whole = SessionShare(thread: 0, of: 1, key: Key())
  public static let mostThreads = 32
  /// Where a session's id lies in a datagram (docs/protocol.md 2.2).
  public static let idOffset: UInt32 = 4

  public let thread: Int
  public let count: Int
  public let key: Key

  public init(thread: Int, of count: Int, key: Key) {
    precondition((1...Self.mostThreads).contains(count) && (0..<count).contains(thread), "one of 1 to 32 threads")
    self.thread = thread
    self.count = count
    self.key = key
  }

  /// The thread that has all sessions of device `peer`. The first one, which has more to do than receive, gets its
  /// devices last.
  public func thread(of peer: Int) -> Int { (peer + 1) % count }

  /// The thread that datagrams of the session `id` are led to, by arithmetic that the kernel's filters have: the id's
  /// halves as they lie in a datagram, big-endian.
  public func thread(of id: SessionID) -> Int {
    let first = UInt32(truncatingIfNeeded: id.rawValue).byteSwapped
    let second = UInt32(truncatingIfNeeded: id.rawValue >> 32).byteSwapped
    let mixed = ((second ^ key.words.0) &* key.words.1 ^ first) &* key.words.2
    return Int(mixed >> 16) % count
  }
}
