import STC
import STTSession
import STTWire

/// What may go wrong. A scenario has only some of it, so that each is also seen without the others.
package enum Fault: String, CaseIterable, Sendable {
  case loss, bursts, reordering, duplication, corruption, rate, roundTrip, pathMTU, rebinding, moving, partition
  case clocks, suspension, deviceReboot, collectorRestart, refusal, dryPool, adversary
  /// Marks that a path cannot carry, or sets.
  case ecn
}

/// Everything that happens in one run, drawn from one number.
package struct Scenario: Sendable {
  package enum Action: Sendable {
    case send(stream: Int, count: Int)
    case partition(nanoseconds: UInt64)
    case largestDatagram(Int)
    /// The device's address changes; it may or may not know.
    case rebind(host: Bool, known: Bool)
    case rebootDevice
    /// The collector says goodbye and starts again.
    case closeCollector
    case restartCollector
    case rebootCollector
    case finish(stream: Int)
    case suspendDevice
    case resumeDevice
    case jumpWall(device: Bool, nanoseconds: Int64)
    case stopWall(device: Bool)
    case startWall(device: Bool)
    case sinkRefuses(Bool)
    case poolIsDry(Bool)
    /// Datagrams from the past, whole and altered.
    case attack(count: Int)
  }

  package struct Event: Sendable {
    /// Nanoseconds from the beginning.
    package var time: UInt64
    package var action: Action
  }

  package let seed: UInt64
  package internal(set) var faults: Set<Fault> = []
  /// While faults last.
  package internal(set) var conditions = LinkConditions()
  /// Afterwards.
  package internal(set) var healed = LinkConditions()
  /// When faults end.
  package internal(set) var length: UInt64 = 0
  package internal(set) var streams: [StreamPlan] = []
  package internal(set) var events: [Event] = []
  package internal(set) var modes: Set<HandshakeMode> = [.hybrid]
  package internal(set) var suites: [Suite] = []
  package internal(set) var settings = Session.Settings()
  /// How often the collector's disk is synced, and how long it takes to tell.
  package internal(set) var syncInterval = UInt64.milliseconds(200)
  package internal(set) var syncReportDelay: UInt64 = 0
  /// Buffers the collector has, of 2 and of 48 KiB.
  package internal(set) var collectorBuffers = (small: 512, large: 128)

  /// A link of at least this rate must bring a session back in time.
  package static let slowestRate: UInt64 = 16_000

  /// Whether recovery is promised on this link.
  package var promisesRecovery: Bool { (healed.bitsPerSecond ?? .max) >= Self.slowestRate }

  /// Whether nothing happens that may end a session: an adversary, a bad memory and a wrong clock may not.
  package var isCalm: Bool {
    faults.isDisjoint(with: [.loss, .bursts, .partition, .suspension, .deviceReboot, .collectorRestart])
      && healed.bitsPerSecond ?? .max >= 200_000
      // An address that is gone before a far collector has proven it is no address.
      && (!faults.contains(.rebinding) || !faults.contains(.roundTrip))
  }

  package var roundTrip: UInt64 { 2 * healed.delay }
}
