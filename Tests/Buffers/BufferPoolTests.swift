import STTBuffers
import Synchronization
import Testing

@Suite struct BufferPoolTests {
  @Test("lends as many as there are, then answers nil and counts it, and lends again what came home")
  func exhaustion() throws {
    let pool = BufferPool([SlabClass(byteCount: 100, count: 2)])
    do {
      let first = try #require(pool.held(atLeast: 100))
      do {
        let second = try #require(pool.held(atLeast: 1))
        #expect(pool.outstanding == 2)
        let third = pool.lease(atLeast: 1) == nil
        #expect(third)
        #expect(pool.refused == 1)
        #expect(first.base != second.base)
      }
      #expect(pool.outstanding == 1)
      let again = pool.lease(atLeast: 1) != nil
      #expect(again)
    }
    #expect(pool.outstanding == 0)
    #expect(pool.refused == 1)
  }

  @Test(
    "takes the smallest size that fits: 64 fits 64, 65 needs 256, 257 needs 4096, 4097 has none",
    arguments: [(0, 64), (1, 64), (64, 64), (65, 256), (256, 256), (257, 4096), (4096, 4096)])
  func sizeChoice(asked: Int, given: Int) throws {
    let pool = BufferPool([
      SlabClass(byteCount: 4096, count: 1), SlabClass(byteCount: 64, count: 1), SlabClass(byteCount: 256, count: 1),
    ])
    let capacity = pool.lease(atLeast: asked)?.capacity
    #expect(capacity == given)
    #expect(pool.largest == 4096)
    let tooMuch = pool.lease(atLeast: 4097) == nil
    #expect(tooMuch)
  }

  @Test("an empty size falls through to the next larger one")
  func fallsThroughToLarger() throws {
    let pool = BufferPool([SlabClass(byteCount: 64, count: 1), SlabClass(byteCount: 256, count: 1)])
    let small = try #require(pool.held(atLeast: 10))
    let larger = try #require(pool.held(atLeast: 10))
    #expect(small.lease.capacity == 64 && larger.lease.capacity == 256)
    let none = pool.lease(atLeast: 10) == nil
    #expect(none)
  }

  @Test("buffers do not overlap: each keeps what was written into it, first and last byte")
  func buffersAreApart() throws {
    for byteCount in [1, 63, 64, 65, 4095, 4096, 4097] {
      let pool = BufferPool([SlabClass(byteCount: byteCount, count: 5)])
      var held: [Held] = []
      for mark in 0..<5 {
        let lease = try #require(pool.held(atLeast: byteCount))
        lease.base.initializeMemory(as: UInt8.self, repeating: UInt8(mark + 1), count: byteCount)
        held.append(lease)
      }
      for (mark, lease) in held.enumerated() {
        #expect(lease.base.load(as: UInt8.self) == UInt8(mark + 1))
        #expect(lease.base.load(fromByteOffset: byteCount - 1, as: UInt8.self) == UInt8(mark + 1))
      }
      #expect(Set(held.map { UInt(bitPattern: $0.base) }).count == 5)
    }
  }

  @Test("a fresh lease is empty, and a pool outlives its last reference while anything is lent")
  func poolOutlivesReference() throws {
    weak var watched: BufferPool?
    do {
      let held: Held
      do {
        let pool = BufferPool([SlabClass(byteCount: 64, count: 4)])
        watched = pool
        held = try #require(pool.held(atLeast: 64))
        #expect(held.lease.count == 0)
      }
      #expect(watched != nil)
      held.base.storeBytes(of: 7, as: UInt8.self)
      #expect(held.base.load(as: UInt8.self) == 7)
    }
    #expect(watched == nil)
  }

  @Test("two threads taking and giving back never hold one buffer at the same time, and all come home")
  func neverLentTwice() async {
    let count = 3
    let pool = BufferPool([SlabClass(byteCount: 64, count: count)])
    let owners = Owners(count: count)
    let rounds = 100_000
    let doubles = await withTaskGroup(of: Int.self) { group in
      for task in 1...2 {
        group.addTask {
          var seenTwice = 0
          for _ in 0..<rounds {
            guard let lease = pool.lease(atLeast: 1) else { continue }
            // The address names the buffer; nobody else may have put a name there.
            if !owners.enter(lease.unsafeBase, as: task) { seenTwice += 1 }
            if let other = pool.lease(atLeast: 1) {
              if !owners.enter(other.unsafeBase, as: task) { seenTwice += 1 }
              owners.leave(other.unsafeBase)
            }
            owners.leave(lease.unsafeBase)
          }
          return seenTwice
        }
      }
      return await group.reduce(0, +)
    }
    #expect(doubles == 0)
    #expect(pool.outstanding == 0)
    var held: [Held] = []
    while let lease = pool.held(atLeast: 1) { held.append(lease) }
    #expect(held.count == count)
  }

  @Test("no size, and sizes of nothing, trap")
  func badShapes() async {
    await #expect(processExitsWith: .failure) { _ = BufferPool([]) }
    await #expect(processExitsWith: .failure) { _ = BufferPool([SlabClass(byteCount: 0, count: 1)]) }
    await #expect(processExitsWith: .failure) { _ = BufferPool([SlabClass(byteCount: 1, count: 0)]) }
  }
}

/// A lease in a place that can be put into arrays.
final class Held: Sendable {
  let lease: Lease

  init(_ lease: consuming Lease) { self.lease = lease }

  var base: UnsafeMutableRawPointer { lease.unsafeBase }
}

extension BufferPool {
  func held(atLeast byteCount: Int) -> Held? {
    guard let lease = lease(atLeast: byteCount) else { return nil }
    return Held(lease)
  }
}

/// Who holds which buffer, by address, without a lock that would order the threads under test.
private final class Owners: Sendable {
  private let slots: [Slot]

  final class Slot: Sendable {
    let address = Atomic<UInt>(0)
    let holder = Atomic<Int>(0)
  }

  init(count: Int) { slots = (0..<count).map { _ in Slot() } }

  private func slot(_ base: UnsafeMutableRawPointer) -> Slot? {
    let wanted = UInt(bitPattern: base)
    for slot in slots {
      let present = slot.address.load(ordering: .acquiring)
      if present == wanted { return slot }
      if present == 0 {
        let (won, seen) = slot.address.compareExchange(expected: 0, desired: wanted, ordering: .acquiringAndReleasing)
        if won || seen == wanted { return slot }
      }
    }
    return nil
  }

  func enter(_ base: UnsafeMutableRawPointer, as holder: Int) -> Bool {
    guard let slot = slot(base) else { return false }
    return slot.holder.compareExchange(expected: 0, desired: holder, ordering: .acquiringAndReleasing).exchanged
  }

  func leave(_ base: UnsafeMutableRawPointer) { slot(base)?.holder.store(0, ordering: .releasing) }
}
