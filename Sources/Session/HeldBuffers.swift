import STTBuffers

/// Leases that messages waiting for their acknowledgement lie in, each shared by any number of them.
struct HeldBuffers: ~Copyable {
  private var leases: UnsafeMutablePointer<Lease?>
  private var references: UnsafeMutablePointer<Int32>
  private var free: [Int32] = []
  private var capacity = 0
  /// Leases held now.
  private(set) var count = 0

  init() {
    leases = .allocate(capacity: 0)
    references = .allocate(capacity: 0)
  }

  deinit {
    leases.deinitialize(count: capacity)
    leases.deallocate()
    references.deallocate()
  }

  /// Takes a lease with `references` messages in it.
  mutating func hold(_ lease: consuming Lease, references count: Int) -> Int32 {
    if free.isEmpty { grow() }
    let slot = free.removeLast()
    leases[Int(slot)] = consume lease
    references[Int(slot)] = Int32(count)
    self.count += 1
    return slot
  }

  /// More messages in it.
  mutating func retain(_ slot: Int32, by messages: Int = 1) { references[Int(slot)] += Int32(messages) }

  func withLease<R>(_ slot: Int32, _ body: (borrowing Lease) -> R?) -> R? {
    switch leases[Int(slot)] {
    case .some(let lease): return body(lease)
    case .none: return nil
    }
  }

  /// Fewer messages in it; the last one returns the lease to its owner.
  mutating func release(_ slot: Int32, by messages: Int = 1) {
    references[Int(slot)] -= Int32(messages)
    if references[Int(slot)] == 0 {
      leases[Int(slot)] = nil
      free.append(slot)
      count -= 1
    }
  }

  /// A buffer that small messages are copied into one behind the other; it holds one reference of its own.
  struct Filling {
    fileprivate var slot: Int32 = -1
    fileprivate var used = 0
    fileprivate var capacity = 0
  }

  /// Copies one more message into the buffer that is being filled, or into another. `nil`: it takes another, and `lease` has
  /// none that is large enough.
  mutating func fill(_ filling: inout Filling, with bytes: RawSpan, lease: () -> Lease?) -> (slot: Int32, offset: Int32)? {
    if filling.slot < 0 || filling.capacity - filling.used < bytes.byteCount {
      end(&filling)
      guard let fresh = lease(), fresh.capacity >= bytes.byteCount else { return nil }
      filling.capacity = fresh.capacity
      filling.slot = hold(fresh, references: 1)
    }
    let memory = UnsafeMutableRawPointer(mutating: base(filling.slot)) + filling.used
    bytes.withUnsafeBytes { source in
      if let start = source.baseAddress { memory.copyMemory(from: start, byteCount: source.count) }
    }
    retain(filling.slot)
    defer { filling.used += bytes.byteCount }
    return (filling.slot, Int32(filling.used))
  }

  /// No more messages are copied into it.
  mutating func end(_ filling: inout Filling) {
    if filling.slot >= 0 { release(filling.slot) }
    filling = Filling()
  }

  /// Where the lease's bytes lie; valid while it is held.
  func base(_ slot: Int32) -> UnsafeRawPointer {
    switch leases[Int(slot)] {
    case .some(let lease): return UnsafeRawPointer(lease.unsafeBase)
    case .none: preconditionFailure("a message's buffer is held as long as the message")
    }
  }

  private mutating func grow() {
    let wider = max(16, capacity * 2)
    let newLeases = UnsafeMutablePointer<Lease?>.allocate(capacity: wider)
    let newReferences = UnsafeMutablePointer<Int32>.allocate(capacity: wider)
    newLeases.moveInitialize(from: leases, count: capacity)
    newReferences.moveInitialize(from: references, count: capacity)
    for slot in capacity..<wider {
      (newLeases + slot).initialize(to: nil)
      (newReferences + slot).initialize(to: 0)
    }
    free.reserveCapacity(wider)
    for slot in (capacity..<wider).reversed() { free.append(Int32(slot)) }
    leases.deallocate()
    references.deallocate()
    leases = newLeases
    references = newReferences
    capacity = wider
  }
}
