import STTSession
import SimulationWorld

/// Who gets how much of a link that several want all of.
enum Fairness {
  private static let megabit: UInt64 = 1_000_000
  private static let links: [(rate: UInt64, roundTrip: UInt64)] = [
    (5 * megabit, .milliseconds(20)), (20 * megabit, .milliseconds(20)), (5 * megabit, .milliseconds(50)),
    (20 * megabit, .milliseconds(50)), (5 * megabit, .milliseconds(150)), (20 * megabit, .milliseconds(150)),
  ]
  private static let queues = [0.5, 1, 2, 4]

  static func print() throws {
    Swift.print("A session's share of what both got in 60 s, and the link's use, beside one CUBIC transfer:")
    try table { rivals in
      try rivals.addSession(seed: 1)
      rivals.addCubic()
      let rates = rivals.run(.seconds(60))
      return
        "\(percent(rates[0] / (rates[0] + rates[1]))) / \(percent((rates[0] + rates[1]) / Double(rivals.bottleneck.limits.bitsPerSecond)))"
    }
    Swift.print("The same when the CUBIC transfer has the link to itself for 20 s before:")
    try table { rivals in
      rivals.addCubic()
      _ = rivals.run(.seconds(20))
      try rivals.addSession(seed: 1)
      let rates = rivals.run(.seconds(60))
      return "\(percent(rates[0] / (rates[0] + rates[1])))"
    }
    Swift.print("Two sessions, the second 10 s later: Jain's index of the 40 s after another 20, and the link's use:")
    try table { rivals in
      try rivals.addSession(seed: 1)
      _ = rivals.run(.seconds(10))
      try rivals.addSession(seed: 2)
      _ = rivals.run(.seconds(20))
      let rates = rivals.run(.seconds(40))
      return
        "\((jain(rates) * 100).rounded() / 100) / \(percent((rates[0] + rates[1]) / Double(rivals.bottleneck.limits.bitsPerSecond)))"
    }
  }

  private static func use(_ rivals: Rivals, _ rates: [Double]) -> String {
    percent(rates.reduce(0, +) / Double(rivals.bottleneck.limits.bitsPerSecond))
  }

  private static func jain(_ rates: [Double]) -> Double {
    let sum = rates.reduce(0, +)
    let squares = rates.reduce(0) { $0 + $1 * $1 }
    return squares > 0 ? sum * sum / (Double(rates.count) * squares) : 0
  }

  private static func table(_ cell: (Rivals) throws -> String) throws {
    Swift.print("| link | \(queues.map { "queue \($0)" }.joined(separator: " | ")) |")
    for link in links {
      let cells = try queues.map { queue in
        try cell(Rivals(bitsPerSecond: link.rate, roundTrip: link.roundTrip, queue: queue))
      }
      Swift.print("| \(link.rate / megabit) Mbit/s, \(link.roundTrip / 1_000_000) ms | \(cells.joined(separator: " | ")) |")
    }
  }

  private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
}
