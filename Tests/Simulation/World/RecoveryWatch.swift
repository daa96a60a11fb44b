import STTSession
import STTWire

/// Finds out when, after healing, a session is back: both ends have it, and the device has heard from
/// the collector in it.
final class RecoveryWatch {
  private let attempts: Int
  private let connections: Int
  private let received: UInt64
  /// When the device first sent something that could succeed: in a session both ends have, or in a new
  /// attempt. Until then a timer of its own was running.
  private(set) var begun: MonotonicTime?

  init(_ world: World) {
    attempts = world.attemptCount
    connections = world.connectionCount
    received = world.device.statistics?.packetsReceived ?? 0
  }

  func noteSent(_ world: World) {
    if begun == nil, world.attemptCount > attempts || world.sharesSession { begun = world.now }
  }

  func isBack(_ world: World) -> Bool {
    guard begun != nil, world.sharesSession, let now = world.device.statistics?.packetsReceived else { return false }
    return now > (world.connectionCount == connections ? received : 0)
  }
}
