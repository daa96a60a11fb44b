/// Exclusive use of one buffer, returned to its owner when the lease ends.
///
/// A lease is noncopyable: the buffer can be in one place only, and forgetting to return it does
/// not compile. `count` bytes from the start are in use; the rest of `capacity` is room.
public struct Lease: ~Copyable, @unchecked Sendable {
  // Sendable because a lease is the only reference to its memory, and giving back is thread-safe.
  @usableFromInline let owner: Unmanaged<SlabOwner>
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let slot: Int
  /// Bytes the buffer can hold.
  public let capacity: Int
  @usableFromInline var used: Int

  /// Wraps memory of `owner`.
  ///
  /// - Parameters:
  ///   - base: `capacity` bytes nobody else touches until `owner.giveBack(slot:)` was called.
  ///   - slot: what `owner` needs to know the buffer again.
  ///   - count: bytes already filled, at most `capacity`.
  @inlinable
  public init(
    unsafeBase base: UnsafeMutableRawPointer, capacity: Int, count: Int = 0, slot: Int, owner: SlabOwner
  ) {
    precondition(count >= 0 && count <= capacity, "a lease can't hold more than its capacity")
    self.owner = Unmanaged.passUnretained(owner)
    self.base = base
    self.slot = slot
    self.capacity = capacity
    self.used = count
  }

  deinit {
    owner._withUnsafeGuaranteedRef { $0.giveBack(slot: slot) }
  }

  /// Bytes in use, from the start of the buffer. Setting it beyond `capacity` traps.
  @inlinable
  public var count: Int {
    get { used }
    set {
      precondition(newValue >= 0 && newValue <= capacity, "a lease can't hold more than its capacity")
      used = newValue
    }
  }

  /// The bytes in use.
  @inlinable
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    borrowing get {
      _overrideLifetime(
        RawSpan(_unsafeStart: UnsafeRawPointer(base), byteCount: used), borrowing: self)
    }
  }

  /// The whole capacity, to be written; set ``count`` afterwards.
  @inlinable
  public var storage: MutableRawSpan {
    @_lifetime(&self)
    mutating get {
      let span = MutableRawSpan(_unsafeStart: base, byteCount: capacity)
      return _overrideLifetime(span, mutating: &self)
    }
  }

  /// The address of the buffer, for system calls. Valid while the lease lives.
  @inlinable
  public var unsafeBase: UnsafeMutableRawPointer { base }
}
