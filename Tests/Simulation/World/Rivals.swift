import STTSession

/// Bulk senders that share one narrow place: sessions of ours, each with its own two ends, and models of others.
package final class Rivals {
  package let bottleneck: Bottleneck
  private var worlds: [(world: World, stream: Int)] = []
  private var flows: [CubicFlow] = []
  private let roundTrip: UInt64
  private let depth: Int
  private let start: MonotonicTime
  package private(set) var now: MonotonicTime
  private static let messageByteCount = 6_000
  private static let refill = UInt64.milliseconds(5)

  /// - Parameter queue: in products of rate and round trip.
  package init(bitsPerSecond: UInt64, roundTrip: UInt64, queue: Double, marking: Double? = nil) {
    let product = Double(bitsPerSecond) / 8 * Double(roundTrip) / 1e9
    bottleneck = Bottleneck(
      .init(
        bitsPerSecond: bitsPerSecond, queueByteCount: max(6_000, Int(product * queue)),
        markingByteCount: marking.map { max(3_000, Int(product * $0)) }))
    self.roundTrip = roundTrip
    depth = max(1 << 18, Int(product * (2 + queue) * 4)) / Self.messageByteCount
    start = MonotonicTime(nanoseconds: 1_000_000_000)
    now = start
  }

  /// Adds a session that sends as much as it may, from now on.
  package func addSession(seed: UInt64) throws {
    let world = try World(seed: seed, conditions: LinkConditions(delay: roundTrip / 2), start: now)
    world.link.shared = bottleneck
    world.sink.keepsMessages = false
    worlds.append((world, world.open("bulk", durable: false)))
  }

  /// Adds another's bulk transfer, from now on.
  package func addCubic() { flows.append(CubicFlow(bottleneck, roundTrip: roundTrip, start: now)) }

  /// Lets time pass; answers the bits a second that each got meanwhile, sessions first.
  package func run(_ length: UInt64) -> [Double] {
    let before = delivered
    let end = now + length
    var refill = now
    while now < end {
      if now >= refill {
        for (world, stream) in worlds { fill(world, stream) }
        refill = now + Self.refill
      }
      for (world, _) in worlds { world.drain() }
      var next = min(end, refill)
      for (world, _) in worlds { next = min(next, world.nextEvent) }
      for flow in flows { next = min(next, flow.nextEvent) }
      now = max(now + 1, next)
      for (world, _) in worlds where world.nextEvent <= now { world.advance(to: now) }
      for flow in flows where flow.nextEvent <= now { flow.advance(to: now) }
    }
    return zip(delivered, before).map { Double($0 - $1) * 8e9 / Double(length) }
  }

  private var delivered: [Int] {
    worlds.map { Int($0.world.recorded.first?.position ?? 0) * Self.messageByteCount } + flows.map(\.deliveredByteCount)
  }

  private func fill(_ world: World, _ stream: Int) {
    while world.heldLeases < depth, world.send(stream, byteCount: Self.messageByteCount) {}
  }

  package var sessions: [World] { worlds.map(\.world) }
}
