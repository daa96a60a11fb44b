import Synchronization

/// What a receive thread counts: written by it alone, read by who answers for the whole collector.
final class Tally: @unchecked Sendable {
  // Sendable because every counter is atomic and the pointers never change.

  /// Of one device.
  struct Device: ~Copyable {
    let messages = Atomic<UInt64>(0)
    let bytes = Atomic<UInt64>(0)
    let sessions = Atomic<Int>(0)
  }

  private let devices: UnsafeMutablePointer<Device>
  let deviceCount: Int
  private let sessionCount = Atomic<Int>(0)
  private let strayCount = Atomic<UInt64>(0)
  private let passedOnCount = Atomic<UInt64>(0)
  private let skippedCount = Atomic<UInt64>(0)
  private let skippedEventCount = Atomic<UInt64>(0)

  init(deviceCount: Int) {
    self.deviceCount = deviceCount
    devices = .allocate(capacity: max(1, deviceCount))
    for index in 0..<deviceCount { (devices + index).initialize(to: Device()) }
  }

  deinit {
    devices.deinitialize(count: deviceCount)
    devices.deallocate()
  }

  /// One message of `byteCount` bytes of payload came.
  func count(device: Int, byteCount: Int) {
    precondition(device >= 0 && device < deviceCount, "a device of the configuration")
    // One thread writes: a load and a store do.
    let messages = devices[device].messages.load(ordering: .relaxed)
    devices[device].messages.store(messages &+ 1, ordering: .relaxed)
    let bytes = devices[device].bytes.load(ordering: .relaxed)
    devices[device].bytes.store(bytes &+ UInt64(byteCount), ordering: .relaxed)
  }

  func sessions(of device: Int, changedBy change: Int) {
    guard device >= 0, device < deviceCount else { return }
    devices[device].sessions.wrappingAdd(change, ordering: .relaxed)
  }

  func skipped(_ count: Int) { skippedCount.wrappingAdd(UInt64(count), ordering: .relaxed) }
  func skippedEvent() { skippedEventCount.wrappingAdd(1, ordering: .relaxed) }
  func show(sessions: Int, stray: UInt64, passedOn: UInt64) {
    sessionCount.store(sessions, ordering: .relaxed)
    strayCount.store(stray, ordering: .relaxed)
    passedOnCount.store(passedOn, ordering: .relaxed)
  }

  var sessions: Int { sessionCount.load(ordering: .relaxed) }
  /// Datagrams for no session.
  var stray: UInt64 { strayCount.load(ordering: .relaxed) }
  /// Datagrams for sessions of other threads.
  var passedOn: UInt64 { passedOnCount.load(ordering: .relaxed) }
  /// Messages that devices gave up.
  var skipped: UInt64 { skippedCount.load(ordering: .relaxed) }
  /// Events that the recorder had no room for, because its disk refuses.
  var skippedEvents: UInt64 { skippedEventCount.load(ordering: .relaxed) }

  func messages(of device: Int) -> UInt64 { devices[device].messages.load(ordering: .relaxed) }
  func bytes(of device: Int) -> UInt64 { devices[device].bytes.load(ordering: .relaxed) }
  func isConnected(_ device: Int) -> Bool { devices[device].sessions.load(ordering: .relaxed) > 0 }
}
