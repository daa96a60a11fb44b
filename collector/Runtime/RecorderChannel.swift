import LinuxEvents
import STTBuffers
import Synchronization

/// What is between the receive threads and the recording one.
final class RecorderChannel: Sendable {
  /// One for each receive thread.
  let lanes: [RecorderLane]
  let toRecorder: WakeupDescriptor
  let isStopping = Atomic<Bool>(false)
  let state = Mutex(RecorderState())
  let catalogue: CatalogueKeeper

  /// - Parameter receivers: what wakes each receive thread.
  init(catalogue: CatalogueKeeper, receivers: [WakeupDescriptor]) throws(SystemFailure) {
    self.catalogue = catalogue
    toRecorder = try WakeupDescriptor()
    lanes = receivers.map { RecorderLane(toReceiver: $0) }
  }
}

/// The two rings between a receive thread and the recording one, and what wakes the former.
final class RecorderLane: Sendable {
  /// Places that are free before anything of a datagram is taken. What follows from it stops while half of them are left.
  static let slack = 4608

  let items = Ring<RecorderItem>(capacity: 16_384)
  let marks = Ring<DurableMark>(capacity: 65_536)
  let toReceiver: WakeupDescriptor

  init(toReceiver: WakeupDescriptor) { self.toReceiver = toReceiver }

  /// Whether more of what a datagram leads to has room, or an event.
  var hasRoomToGoOn: Bool { items.capacity - items.count > Self.slack / 2 }
  /// Whether another datagram may be taken.
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
