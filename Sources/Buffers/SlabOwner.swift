/// Whoever memory is borrowed from: a ``BufferPool``, or a device that lends its own buffers.
///
/// A lease calls ``giveBack(slot:)`` exactly once, from whatever thread it ends on.
/// Leases hold their owner unretained, so that passing one on costs no reference counting: an owner
/// keeps itself alive while anything is lent.
open class SlabOwner: @unchecked Sendable {
  // Sound because the class itself has no state; subclasses state their own proof.
  public init() {}

  /// Takes back the memory of `slot`. Must not block, and may run on any thread.
  open func giveBack(slot: Int) {
    preconditionFailure("a SlabOwner must override giveBack(slot:)")
  }
}
