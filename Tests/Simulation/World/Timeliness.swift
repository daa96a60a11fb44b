import STTSession
import STTWire

/// What share of a PARTIAL stream's messages is delivered before their deadline over a link that loses packets,
/// in virtual time.
package struct Timeliness: Sendable {
  package struct Result: Sendable {
    /// Of all messages.
    package var inTime: Double
    /// Packets of parity among all the device sent.
    package var parity: Double
    /// Packets the device sent for each message.
    package var packetsPerMessage: Double
  }

  package var lossPercent = 5.0
  package var bursts: LinkConditions.Bursts?
  package var roundTrip = UInt64.milliseconds(50)
  package var deadlineMilliseconds: UInt32 = 200
  package var bitsPerSecond: UInt64 = 100_000_000
  package var parity = Parity.none
  /// Three packets of 1200 bytes.
  package var messageByteCount = 3300
  package var interval = UInt64.milliseconds(10)
  package var duration = UInt64.seconds(20)
  package var seed: UInt64 = 1

  package init(parity: Parity) { self.parity = parity }

  /// What happens after the first five seconds, in which a sender learns what its link is like.
  package func measure() throws -> Result {
    var conditions = LinkConditions(lossPercent: 0, delay: roundTrip / 2)
    conditions.bitsPerSecond = bitsPerSecond
    conditions.queueByteCount = Int(Double(bitsPerSecond) / 8 * Double(roundTrip) / 1e9)
    let world = try World(seed: seed, conditions: conditions)
    let stream = world.open(
      "video", delivery: .partial, durable: false, deadlineMilliseconds: deadlineMilliseconds, parity: parity)
    world.run(limit: .seconds(10)) { $0.device.isConnected }
    world.link.conditions.lossPercent = lossPercent
    world.link.conditions.bursts = bursts
    func send(for length: UInt64) {
      let end = world.now + length
      while world.now < end {
        _ = world.send(stream, byteCount: messageByteCount)
        world.run(limit: interval)
      }
    }
    send(for: .seconds(5))
    let (first, before) = (world.device.outbox.nextNumber(stream), world.device.statistics ?? .init())
    send(for: duration)
    let (end, after) = (world.device.outbox.nextNumber(stream), world.device.statistics ?? .init())
    world.run(limit: .seconds(2))
    var inTime = 0
    if let recorded = world.recorded.first {
      for (number, delay) in zip(recorded.numbers, recorded.delays)
      where number >= first && number < end && delay <= .milliseconds(UInt64(deadlineMilliseconds)) {
        inTime += 1
      }
    }
    let packets = after.packetsSent - before.packetsSent
    return Result(
      inTime: Double(inTime) / Double(end - first), parity: Double(after.paritySent - before.paritySent) / Double(packets),
      packetsPerMessage: Double(packets) / Double(end - first))
  }
}
