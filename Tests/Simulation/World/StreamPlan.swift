import STTSession
import STTWire

/// What one stream of a scenario is like.
package struct StreamPlan: Sendable {
  /// How a message gets into the outbox: in a buffer of its own, in two, or copied beside others.
  package enum Packing: Sendable {
    case own, headed, copied
  }

  package var name: String
  package var delivery: DeliveryClass
  package var isDurable: Bool
  package var priority: UInt8
  package var deadlineMilliseconds: UInt32
  package var smallest: Int
  package var largest: Int
  package var packing: Packing
  package var padding = Padding.none
  package var parity = Parity.none

  /// How many bytes a message has; a function of who it is.
  package func byteCount(seed: UInt64) -> Int {
    smallest + Int(SplitMix.mix(seed ^ 0x517E) % UInt64(largest - smallest + 1))
  }

  package var uid: StreamUID { StreamUID(high: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) }), low: 1) }
}
