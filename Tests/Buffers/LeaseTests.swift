import STTBuffers
import Synchronization
import Testing

@Suite struct LeaseTests {
  @Test("the bytes in use are those up to count, and count may be anything from 0 to capacity")
  func countBoundsTheBytes() {
    let pool = BufferPool([SlabClass(byteCount: 8, count: 1)])
    guard var lease = pool.lease(atLeast: 8) else {
      Issue.record("a fresh pool has a buffer")
      return
    }
    do {
      var storage = lease.storage
      #expect(storage.byteCount == 8)
      for index in 0..<8 { storage.storeBytes(of: UInt8(index), toByteOffset: index, as: UInt8.self) }
    }
    for count in 0...8 {
      lease.count = count
      let bytes = lease.bytes.withUnsafeBytes { [UInt8]($0) }
      #expect(bytes == (0..<count).map { UInt8($0) })
    }
  }

  @Test("gives back exactly once, with its own slot, when it ends")
  func givesBackOnce() {
    let owner = CountingOwner()
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 1)
    defer { memory.deallocate() }
    do {
      let lease = Lease(unsafeBase: memory, capacity: 16, count: 4, slot: 77, owner: owner)
      #expect(lease.bytes.byteCount == 4)
      #expect(owner.returned.load(ordering: .relaxed) == 0)
    }
    #expect(owner.returned.load(ordering: .relaxed) == 1)
    #expect(owner.lastSlot.load(ordering: .relaxed) == 77)
  }

  @Test("growing beyond the capacity traps; up to it does not")
  func growthBeyondCapacityTraps() async {
    await #expect(processExitsWith: .success) {
      let pool = BufferPool([SlabClass(byteCount: 100, count: 1)])
      guard var lease = pool.lease(atLeast: 1) else { return }
      lease.count = 100
    }
    await #expect(processExitsWith: .failure) {
      let pool = BufferPool([SlabClass(byteCount: 100, count: 1)])
      guard var lease = pool.lease(atLeast: 1) else { return }
      lease.count = 101
    }
  }

  @Test("a negative count traps")
  func negativeCountTraps() async {
    await #expect(processExitsWith: .failure) {
      let pool = BufferPool([SlabClass(byteCount: 100, count: 1)])
      guard var lease = pool.lease(atLeast: 1) else { return }
      lease.count = -1
    }
  }

  @Test("wrapping more bytes than the capacity traps")
  func overfullWrapTraps() async {
    await #expect(processExitsWith: .failure) {
      let pool = BufferPool([SlabClass(byteCount: 1, count: 1)])
      _ = Lease(
        unsafeBase: UnsafeMutableRawPointer.allocate(byteCount: 4, alignment: 1), capacity: 4, count: 5, slot: 0,
        owner: pool)
    }
  }
}

/// Counts what comes back.
final class CountingOwner: SlabOwner, @unchecked Sendable {
  // Sendable: both properties are atomic.
  let returned = Atomic<Int>(0)
  let lastSlot = Atomic<Int>(-1)

  override func giveBack(slot: Int) {
    returned.wrappingAdd(1, ordering: .relaxed)
    lastSlot.store(slot, ordering: .relaxed)
  }
}
