import Glibc
internal import STTBuffers
import Synchronization

/// A camera's mapped memory, lent as leases.
///
/// Whoever ends a lease sets a bit; the source's thread finds it and gives the buffer back to the
/// driver. Memory that is out when the camera goes stays mapped until it comes home.
final class CameraBuffers: SlabOwner, @unchecked Sendable {
  // Sendable: the mappings never change after init, the rest is atomic.

  /// As many as V4L2 numbers (VIDEO_MAX_FRAME); a bit each.
  static let most = 32

  private let mappings: [UnsafeMutableRawBufferPointer]
  private let returned = Atomic<UInt32>(0)
  private let lent = Atomic<Int>(0)

  /// Takes over the mappings and unmaps them in the end.
  init(mappings: [UnsafeMutableRawBufferPointer]) {
    precondition(mappings.count <= Self.most, "a bit for each buffer")
    self.mappings = mappings
  }

  deinit {
    for mapping in mappings { munmap(mapping.baseAddress, mapping.count) }
  }

  var count: Int { mappings.count }
  /// Buffers lent at this moment.
  var outstanding: Int { lent.load(ordering: .relaxed) }

  /// Lends buffer `index`, which the driver has given up, with `byteCount` bytes in it; `nil` when
  /// the driver's numbers make no sense.
  func lease(_ index: Int, byteCount: Int) -> Lease? {
    guard mappings.indices.contains(index), byteCount >= 0, byteCount <= mappings[index].count,
      let base = mappings[index].baseAddress
    else { return nil }
    // One count for all leases, as in a pool: the first retains the owner, the last releases it.
    if lent.wrappingAdd(1, ordering: .relaxed).oldValue == 0 { _ = Unmanaged.passRetained(self) }
    return Lease(unsafeBase: base, capacity: mappings[index].count, count: byteCount, slot: index, owner: self)
  }

  /// A bit for each buffer that came home since the last call.
  func takeReturned() -> UInt32 { returned.exchange(0, ordering: .acquiring) }

  override func giveBack(slot: Int) {
    returned.bitwiseOr(1 << UInt32(truncatingIfNeeded: slot), ordering: .releasing)
    if lent.wrappingSubtract(1, ordering: .acquiringAndReleasing).oldValue == 1 {
      Unmanaged.passUnretained(self).release()
    }
  }
}
