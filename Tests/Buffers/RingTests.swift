import STTBuffers
import Testing

@Suite struct RingTests {
  @Test("rounds its capacity up to a power of two", arguments: [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (1000, 1024)])
  func capacityIsRoundedUp(asked: Int, given: Int) {
    let ring = Ring<Int>(capacity: asked)
    #expect(ring.capacity == given)
    for element in 0..<given { #expect(ring.push(element) == nil) }
    #expect(ring.push(-1) == -1, "the first beyond the capacity comes back")
    #expect(ring.count == given)
  }

  @Test("hands out in the order it took in, and an empty ring answers nil")
  func keepsOrder() {
    let ring = Ring<Int>(capacity: 4)
    #expect(ring.pop() == nil)
    var pushed = 0
    var popped = 0
    // Uneven steps carry head and tail around the ring many times.
    for round in 0..<1000 {
      for _ in 0..<round % 5 where ring.push(pushed) == nil { pushed += 1 }
      for _ in 0..<round % 3 {
        guard let element = ring.pop() else { break }
        #expect(element == popped)
        popped += 1
      }
      #expect(ring.count == pushed - popped)
    }
    #expect(popped > 500)
  }

  @Test("a full ring hands the very element back, and takes it once there is room")
  func fullHandsBack() {
    let pool = BufferPool([SlabClass(byteCount: 8, count: 3)])
    let ring = Ring<Lease>(capacity: 2)
    for _ in 0..<2 {
      guard let lease = pool.lease(atLeast: 1) else { continue }
      let handedBack = ring.push(lease) != nil
      #expect(!handedBack)
    }
    guard var third = pool.lease(atLeast: 1) else {
      Issue.record("there are three buffers")
      return
    }
    third.count = 5
    guard let back = ring.push(third) else {
      Issue.record("a full ring takes nothing")
      return
    }
    #expect(back.count == 5)
    let made = ring.pop() != nil
    #expect(made)
    let refusedAgain = ring.push(back) != nil
    #expect(!refusedAgain)
    #expect(pool.outstanding == 2)
  }

  @Test("leases left inside go home when the ring ends, wherever head and tail are")
  func leasesGoHome() {
    for steps in 0..<6 {
      let pool = BufferPool([SlabClass(byteCount: 8, count: 3)])
      do {
        let ring = Ring<Lease>(capacity: 4)
        for _ in 0..<steps {
          if let lease = pool.lease(atLeast: 1) { _ = ring.push(lease) }
          _ = ring.pop()
        }
        for _ in 0..<3 {
          if let lease = pool.lease(atLeast: 1) { _ = ring.push(lease) }
        }
        #expect(pool.outstanding == 3)
      }
      #expect(pool.outstanding == 0, "after \(steps) steps")
    }
  }

  @Test("two threads: every element arrives once, in order, with what was written into it")
  func twoThreads() async {
    let total = 100_000
    let pool = BufferPool([SlabClass(byteCount: 8, count: 64)])
    let ring = Ring<Lease>(capacity: 16)
    async let sent: Int = {
      var next = 0
      while next < total {
        guard var lease = pool.lease(atLeast: 8) else {
          await Task.yield()
          continue
        }
        lease.unsafeBase.storeBytes(of: next, as: Int.self)
        lease.count = 8
        var waiting: Lease? = lease
        while let element = waiting.take() {
          waiting = ring.push(element)
          if waiting != nil { await Task.yield() }
        }
        next += 1
      }
      return next
    }()
    async let mistakes: Int = {
      var expected = 0
      var wrong = 0
      while expected < total {
        guard let lease = ring.pop() else {
          await Task.yield()
          continue
        }
        if lease.bytes.unsafeLoad(as: Int.self) != expected { wrong += 1 }
        expected += 1
      }
      return wrong
    }()
    let (count, wrong) = await (sent, mistakes)
    #expect(count == total && wrong == 0)
    #expect(ring.count == 0)
    #expect(pool.outstanding == 0)
  }

  @Test("a capacity of nothing traps")
  func noCapacityTraps() async {
    await #expect(processExitsWith: .failure) { _ = Ring<Int>(capacity: 0) }
  }
}
