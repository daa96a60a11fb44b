import Foundation
import STTBuffers
import Synchronization
import Testing

@Suite struct BufferTests {
  @Test("an empty pool answers nil, counts it, and lends again what came home")
  func exhaustion() {
    let pool = BufferPool([SlabClass(byteCount: 100, count: 2)])
    do {
      let first = pool.lease(atLeast: 100)
      let second = pool.lease(atLeast: 1)
      let third = pool.lease(atLeast: 1)
      let (hasFirst, hasSecond, hasThird) = (first != nil, second != nil, third != nil)
      #expect(hasFirst && hasSecond && !hasThird)
      #expect(pool.outstanding == 2 && pool.refused == 1)
    }
    #expect(pool.outstanding == 0)
    let again = pool.lease(atLeast: 101) != nil
    #expect(!again, "no buffer is that large")
  }

  @Test("the smallest buffer that fits is lent, and a larger one when those are gone")
  func sizes() {
    let pool = BufferPool([SlabClass(byteCount: 4096, count: 1), SlabClass(byteCount: 64, count: 1)])
    let small = pool.lease(atLeast: 10)
    let next = pool.lease(atLeast: 10)
    let (first, second) = (capacity(small), capacity(next))
    #expect(first == 64 && second == 4096)
  }

  private func capacity(_ lease: borrowing Lease?) -> Int {
    switch lease {
    case .some(let lease): lease.capacity
    case .none: 0
    }
  }

  @Test("a pool lives as long as its last lease")
  func poolOutlivesItsName() {
    let lease = BufferPool([SlabClass(byteCount: 64, count: 1)]).lease(atLeast: 1)
    let used = capacity(lease)
    #expect(used == 64)
  }

  @Test("two threads never hold the same buffer")
  func threads() {
    let pool = BufferPool([SlabClass(byteCount: 64, count: 3)])
    let clashes = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      for _ in 0..<50_000 {
        guard let lease = pool.lease(atLeast: 1) else { continue }
        lease.unsafeBase.storeBytes(of: UInt64(thread), as: UInt64.self)
        if lease.unsafeBase.load(as: UInt64.self) != UInt64(thread) { clashes.wrappingAdd(1, ordering: .relaxed) }
      }
    }
    #expect(clashes.load(ordering: .relaxed) == 0)
    #expect(pool.outstanding == 0)
  }

  @Test("a ring keeps order between two threads, hands back what does not fit, and frees what is left")
  func ring() {
    let ring = Ring<Int>(capacity: 8)
    for value in 0..<8 { #expect(ring.push(value) == nil) }
    #expect(ring.push(99) == 99)
    for value in 0..<8 { #expect(ring.pop() == value) }
    #expect(ring.pop() == nil)
    let wrong = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 2) { side in
      if side == 0 {
        for value in 0..<200_000 { while ring.push(value) != nil { sched_yield() } }
      } else {
        for value in 0..<200_000 {
          var taken = ring.pop()
          while taken == nil {
            sched_yield()
            taken = ring.pop()
          }
          if taken != value { wrong.wrappingAdd(1, ordering: .relaxed) }
        }
      }
    }
    #expect(wrong.load(ordering: .relaxed) == 0)
    let pool = BufferPool([SlabClass(byteCount: 64, count: 2)])
    do {
      let leases = Ring<Lease>(capacity: 4)
      if let lease = pool.lease(atLeast: 1) { _ = leases.push(lease) }
      #expect(pool.outstanding == 1)
    }
    #expect(pool.outstanding == 0)
  }
}
