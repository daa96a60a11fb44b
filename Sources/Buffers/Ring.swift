import Synchronization

/// A bounded queue between exactly one producing and one consuming thread, without locks.
///
/// Elements may be noncopyable, so leases travel through it. The capacity is fixed; a full ring
/// hands the element back and the producer's policy decides.
public final class Ring<Element: ~Copyable>: @unchecked Sendable {
  // Sendable under the one-producer, one-consumer rule: the indices order all access to the slots.
  private let slots: UnsafeMutablePointer<Element>
  private let mask: Int
  private let head = PaddedIndex()
  private let tail = PaddedIndex()

  /// - Parameter capacity: at least this many elements fit; rounded up to a power of two.
  public init(capacity: Int) {
    precondition(capacity > 0 && capacity <= 1 << 30, "a ring holds 1 to 2^30 elements")
    var size = 1
    while size < capacity { size <<= 1 }
    slots = .allocate(capacity: size)
    mask = size - 1
  }

  deinit {
    var index = head.value.load(ordering: .acquiring)
    let end = tail.value.load(ordering: .acquiring)
    while index != end {
      (slots + (index & mask)).deinitialize(count: 1)
      index &+= 1
    }
    slots.deallocate()
  }

  public var capacity: Int { mask + 1 }
  /// Elements waiting; a moment's truth when the other side is running.
  public var count: Int {
    tail.value.load(ordering: .acquiring) &- head.value.load(ordering: .acquiring)
  }

  /// Appends, or returns the element when the ring is full. Producer thread only.
  public func push(_ element: consuming Element) -> Element? {
    let end = tail.value.load(ordering: .relaxed)
    if end &- head.value.load(ordering: .acquiring) > mask { return element }
    (slots + (end & mask)).initialize(to: element)
    tail.value.store(end &+ 1, ordering: .releasing)
    return nil
  }

  /// Takes the oldest element. Consumer thread only.
  public func pop() -> Element? {
    let start = head.value.load(ordering: .relaxed)
    if start == tail.value.load(ordering: .acquiring) { return nil }
    let element = (slots + (start & mask)).move()
    head.value.store(start &+ 1, ordering: .releasing)
    return element
  }
}

/// Head and tail live on cache lines of their own, so the two threads don't invalidate each other.
private final class PaddedIndex: Sendable {
  let value = Atomic<Int>(0)
  let padding: (Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int, Int) =
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}
