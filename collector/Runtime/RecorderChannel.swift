import LinuxEvents
import STTBuffers
import Synchronization

/// The two rings between the receiving and the recording thread, and what wakes each.
final class RecorderChannel: Sendable {
  /// A drain of reordered messages may push so many at once.
  static let slack = 4608

  let items = Ring<RecorderItem>(capacity: 16_384)
  let marks = Ring<DurableMark>(capacity: 65_536)
  let toRecorder: WakeupDescriptor
  let toReceiver: WakeupDescriptor
  let isStopping = Atomic<Bool>(false)
  let state = Mutex(RecorderState())
  let catalogue: CatalogueKeeper

  init(catalogue: CatalogueKeeper) throws(SystemFailure) {
    self.catalogue = catalogue
    toRecorder = try WakeupDescriptor()
    toReceiver = try WakeupDescriptor()
  }

  /// Whether whatever one datagram may lead to has room.
  var hasRoom: Bool { items.capacity - items.count > Self.slack }
}

/// What the recording thread shows of itself.
struct RecorderState: Sendable {
  var messageCount: UInt64 = 0
  var byteCount: UInt64 = 0
  var syncCount: UInt64 = 0
  /// Segments removed since the start, and their bytes.
  var removedCount: UInt64 = 0
  var removedByteCount: UInt64 = 0
  /// A sentence, while the disk refuses.
  var trouble: String?
}
