import STTSession

/// What share of a lossy link's bits arrives as payload, in virtual time.
package struct Goodput: Sendable {
  package var lossPercent: Double
  package var bitsPerSecond: UInt64 = 100_000_000
  package var roundTrip = UInt64.milliseconds(50)
  package var jitter: UInt64 = 0
  package var duration = UInt64.seconds(10)
  package var seed: UInt64 = 1

  package init(lossPercent: Double) { self.lossPercent = lossPercent }

  /// Payload bits delivered over the bits the link could have carried, once the first second, in which
  /// a sender finds its rate, is over.
  package func share() throws -> Double {
    var conditions = LinkConditions(lossPercent: 0, jitter: jitter, delay: roundTrip / 2)
    conditions.bitsPerSecond = bitsPerSecond
    // One product of rate and round trip.
    conditions.queueByteCount = Int(Double(bitsPerSecond) / 8 * Double(roundTrip) / 1e9)
    let world = try World(seed: seed, conditions: conditions)
    let stream = world.open("bulk", durable: false)
    world.run(limit: .seconds(10)) { $0.device.isConnected }
    world.link.conditions.lossPercent = lossPercent
    let messageByteCount = 20_000
    let depth = max(1 << 20, conditions.queueByteCount * 16) / messageByteCount
    func pump(_ length: UInt64) {
      let end = world.now + length
      while world.now < end {
        while world.heldLeases < depth, world.send(stream, byteCount: messageByteCount) {}
        world.run(limit: min(.milliseconds(5), end.since(world.now)))
      }
    }
    pump(.seconds(1))
    let before = world.recorded.first?.numbers.count ?? 0
    pump(duration)
    let messages = (world.recorded.first?.numbers.count ?? 0) - before
    return Double(messages * messageByteCount * 8) / (Double(bitsPerSecond) * Double(duration) / 1e9)
  }
}
