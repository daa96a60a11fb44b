import STTIngest
import SimulationWorld
import STTSession
import STTWire
import Testing

/// What an observer of the line sees (docs/protocol.md 2.15).
@Suite struct PaddingTests {
  private struct Sight: Hashable {
    var time: UInt64
    var byteCount: Int
    var type: UInt8
    var stream: UInt16
  }

  /// Everything both ends send in half a minute in which the device has something to say now and then, or never.
  private func sights(talks: Bool, padding: Padding) throws -> (device: [Sight], collector: [Sight], delivered: Int) {
    let world = try World(seed: 11, conditions: LinkConditions(delay: .milliseconds(20)))
    let stream = world.open("secret", padding: padding)
    world.run(limit: .seconds(5)) { $0.device.isConnected }
    world.run(limit: .seconds(3))
    var fromDevice: [Sight] = []
    var fromCollector: [Sight] = []
    world.onSent = { bytes in
      guard let header = try? FrameHeader(datagram: bytes.span.bytes) else { return }
      fromDevice.append(
        Sight(
          time: world.now.nanoseconds, byteCount: bytes.count, type: header.type.rawValue, stream: header.stream))
    }
    world.onOutgoing = {
      fromCollector.append(Sight(time: world.now.nanoseconds, byteCount: $0.byteCount, type: 0, stream: 0))
    }
    for round in 0..<100 {
      if talks, round % 7 == 3 {
        _ = world.send(stream, byteCount: [10, 500, 2500][round % 3])
      }
      world.run(limit: .milliseconds(313))
    }
    world.onSent = nil
    world.onOutgoing = nil
    return (fromDevice, fromCollector, world.recorded.first?.numbers.count ?? 0)
  }

  @Test("at a constant rate an observer can't tell whether the device has anything to say")
  func constantRateHidesEverything() throws {
    let padding = Padding.constantRate(interval: .milliseconds(50))
    let silent = try sights(talks: false, padding: padding)
    let talking = try sights(talks: true, padding: padding)
    #expect(talking.delivered > 10)
    #expect(silent.delivered == 0)
    #expect(silent.device.count > 600)
    #expect(talking.device == silent.device)
    #expect(talking.collector == silent.collector)
  }

  @Test("without padding an observer can tell: the test above can fail")
  func withoutPaddingItShows() throws {
    let silent = try sights(talks: false, padding: .none)
    let talking = try sights(talks: true, padding: .none)
    #expect(talking.device != silent.device)
  }

  @Test("in buckets lengths are multiples of 64 and no stream shows")
  func bucketsRoundUp() throws {
    let seen = try sights(talks: true, padding: .buckets)
    #expect(seen.delivered > 10)
    let data = seen.device.filter { $0.byteCount > 150 }
    #expect(data.count > 20)
    #expect(data.allSatisfy { $0.byteCount % 64 == 0 || $0.byteCount == 1200 })
    #expect(seen.device.allSatisfy { $0.type != FrameType.data.rawValue && $0.stream == 0 })
    #expect(seen.collector.filter { $0.byteCount > 100 }.allSatisfy { $0.byteCount % 256 == 0 })
  }
}
