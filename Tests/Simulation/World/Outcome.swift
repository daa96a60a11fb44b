import STTSession

/// What one run found.
package struct Outcome: Sendable {
  package let seed: UInt64
  package let faults: Set<Fault>
  /// What should never be; empty when all is well.
  package internal(set) var violations: [String] = []
  package internal(set) var virtualNanoseconds: UInt64 = 0
  package internal(set) var sessionCount = 0
  package internal(set) var datagramCount = 0
  package internal(set) var messageCount = 0
  package internal(set) var attackCount = 0
  /// From the first datagram after healing that could bring a session back, to when it was; `nil`: the link
  /// is too slow to promise anything.
  package internal(set) var recovery: UInt64?
  /// From healing to when a session was back, timers that were running included.
  package internal(set) var recoverySinceHealing: UInt64?
  /// Three seconds and two round trips.
  package internal(set) var promisedRecovery: UInt64 = 0
  package internal(set) var delivery: UInt64?

  package var recoveredInTime: Bool { recovery.map { $0 <= promisedRecovery } ?? true }
}
