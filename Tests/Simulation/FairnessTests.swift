import STTSession
import SimulationWorld
import Testing

@Suite struct FairnessTests {
  @Test("beside CUBIC a session neither starves nor starves it", arguments: [1.0, 2.0])
  func besideCubic(queue: Double) throws {
    let rivals = Rivals(bitsPerSecond: 5_000_000, roundTrip: .milliseconds(50), queue: queue)
    try rivals.addSession(seed: 1)
    rivals.addCubic()
    let rates = rivals.run(.seconds(60))
    let share = rates[0] / (rates[0] + rates[1])
    #expect(share >= 0.25 && share <= 0.75)
    #expect(rates[0] + rates[1] >= 0.85 * 5_000_000)
  }

  @Test("a session that comes later gets as much as the one before", arguments: [0.5, 4.0])
  func besideItself(queue: Double) throws {
    let rivals = Rivals(bitsPerSecond: 5_000_000, roundTrip: .milliseconds(50), queue: queue)
    try rivals.addSession(seed: 1)
    _ = rivals.run(.seconds(10))
    try rivals.addSession(seed: 2)
    _ = rivals.run(.seconds(20))
    let rates = rivals.run(.seconds(40))
    let sum = rates[0] + rates[1]
    let jain = sum * sum / (2 * (rates[0] * rates[0] + rates[1] * rates[1]))
    #expect(jain >= 0.9)
    #expect(sum >= 0.85 * 5_000_000)
  }

  @Test("the model of CUBIC alone fills a link")
  func cubicAlone() throws {
    let rivals = Rivals(bitsPerSecond: 5_000_000, roundTrip: .milliseconds(50), queue: 1)
    rivals.addCubic()
    #expect(rivals.run(.seconds(30))[0] >= 0.9 * 5_000_000)
  }
}
