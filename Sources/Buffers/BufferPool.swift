import Synchronization

/// One size of buffer in a pool.
public struct SlabClass: Sendable, Hashable {
  /// Bytes of each buffer.
  public var byteCount: Int
  /// How many there are. The pool never grows.
  public var count: Int

  public init(byteCount: Int, count: Int) {
    self.byteCount = byteCount
    self.count = count
  }
}

/// A fixed set of page-aligned buffers, lent and returned without locks or allocation.
///
/// All memory is reserved at creation, in one block per size; the system commits a page when it is
/// first written. A request takes the smallest free buffer that fits; an empty pool answers `nil`,
/// and the caller's policy decides what that means.
public final class BufferPool: SlabOwner, @unchecked Sendable {
  // Sendable: the classes never change after init, and their free lists are atomic.
  private let classes: [FreeList]
  private let refusals = Atomic<Int>(0)
  private let lent = Atomic<Int>(0)

  /// Reserves every buffer. `classes` may come in any order.
  public init(_ classes: [SlabClass]) {
    precondition(!classes.isEmpty && classes.count <= 256, "a pool has 1 to 256 sizes")
    self.classes = classes.sorted { $0.byteCount < $1.byteCount }.map(FreeList.init)
  }

  /// Buffers lent at this moment.
  public var outstanding: Int { lent.load(ordering: .relaxed) }
  /// Requests answered `nil` since creation.
  public var refused: Int { refusals.load(ordering: .relaxed) }
  /// The largest buffer there is, in bytes.
  public var largest: Int { classes[classes.count - 1].slabByteCount }

  /// Lends an empty buffer of at least `byteCount` bytes, or `nil` when none is free.
  public func lease(atLeast byteCount: Int) -> Lease? {
    for (index, list) in classes.enumerated() where list.slabByteCount >= byteCount {
      if let slab = list.take() {
        // The pool keeps itself alive while any buffer is out: one count for all leases, because
        // counting each would be two atomic operations on its way through every thread.
        if lent.wrappingAdd(1, ordering: .relaxed).oldValue == 0 { _ = Unmanaged.passRetained(self) }
        return Lease(
          unsafeBase: list.base + slab * list.stride, capacity: list.slabByteCount,
          slot: index << 32 | slab, owner: self)
      }
    }
    refusals.wrappingAdd(1, ordering: .relaxed)
    return nil
  }

  public override func giveBack(slot: Int) {
    classes[slot >> 32].put(slot & 0xFFFF_FFFF)
    if lent.wrappingSubtract(1, ordering: .releasing).oldValue == 1 { Unmanaged.passUnretained(self).release() }
  }
}

/// A stack of free slab indices: Treiber's, with a tag in the head's upper half against ABA.
private final class FreeList: @unchecked Sendable {
  // Sendable: `base` and sizes are constant; `head` and `next` are only touched atomically.
  static let end = UInt32.max
  let slabByteCount: Int
  let stride: Int
  let base: UnsafeMutableRawPointer
  private let head: Atomic<UInt64>
  private let next: UnsafeMutablePointer<Atomic<UInt32>>
  private let count: Int

  init(_ shape: SlabClass) {
    precondition(shape.byteCount > 0 && shape.count > 0 && shape.count < Int(UInt32.max), "sizes are positive")
    slabByteCount = shape.byteCount
    // Small buffers share pages but not cache lines.
    stride = shape.byteCount >= 4096 ? (shape.byteCount + 4095) & ~4095 : (shape.byteCount + 63) & ~63
    count = shape.count
    base = .allocate(byteCount: stride * count, alignment: 4096)
    next = .allocate(capacity: count)
    for index in 0..<count {
      (next + index).initialize(to: Atomic(index + 1 < shape.count ? UInt32(index + 1) : Self.end))
    }
    head = Atomic(0)
  }

  deinit {
    next.deinitialize(count: count)
    next.deallocate()
    base.deallocate()
  }

  func take() -> Int? {
    var old = head.load(ordering: .acquiring)
    while true {
      let index = UInt32(truncatingIfNeeded: old)
      if index == Self.end { return nil }
      let following = next[Int(index)].load(ordering: .relaxed)
      let new = (old >> 32 &+ 1) << 32 | UInt64(following)
      let (won, seen) = head.weakCompareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing)
      if won {
        return Int(index)
      }
      old = seen
    }
  }

  func put(_ index: Int) {
    var old = head.load(ordering: .relaxed)
    while true {
      next[index].store(UInt32(truncatingIfNeeded: old), ordering: .relaxed)
      let new = (old >> 32 &+ 1) << 32 | UInt64(index)
      let (won, seen) = head.weakCompareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing)
      if won { return }
      old = seen
    }
  }
}
