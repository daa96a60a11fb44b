import SimulationWorld

/// What many runs add up to.
struct Summary {
  private(set) var runCount = 0
  private(set) var failed: [UInt64] = []
  private var faultCounts: [Fault: Int] = [:]
  private var virtualSeconds = 0.0
  private var sessionCount = 0
  private var datagramCount = 0
  private var messageCount = 0
  private var attackCount = 0
  private var recoveries: [Double] = []
  private var recoveriesSinceHealing: [Double] = []
  private var deliveries: [Double] = []
  private var inTimeCount = 0

  mutating func add(_ outcome: Outcome) {
    runCount += 1
    if !outcome.violations.isEmpty { failed.append(outcome.seed) }
    for fault in outcome.faults { faultCounts[fault, default: 0] += 1 }
    virtualSeconds += Double(outcome.virtualNanoseconds) / 1e9
    sessionCount += outcome.sessionCount
    datagramCount += outcome.datagramCount
    messageCount += outcome.messageCount
    attackCount += outcome.attackCount
    if let recovery = outcome.recovery {
      recoveries.append(Double(recovery) / 1e9)
      if outcome.recoveredInTime { inTimeCount += 1 }
    }
    if let recovery = outcome.recoverySinceHealing { recoveriesSinceHealing.append(Double(recovery) / 1e9) }
    if let delivery = outcome.delivery { deliveries.append(Double(delivery) / 1e9) }
  }

  var text: String {
    let faults = Fault.allCases.map { "\($0.rawValue) \(faultCounts[$0] ?? 0)" }.joined(separator: ", ")
    let share = recoveries.isEmpty ? 100 : Double(inTimeCount * 1000 / recoveries.count) / 10
    return """
      \(runCount) seeds, \(failed.count) failed\(failed.isEmpty ? "" : ": \(failed.sorted().prefix(50).map(String.init).joined(separator: " "))")
      simulated: \(rounded(virtualSeconds / 86_400 / 365.25)) years, \(sessionCount) sessions, \(datagramCount) datagrams, \(messageCount) messages, \(attackCount) attacks
      runs with each fault: \(faults)
      a session back after its first attempt's beginning, in seconds: \(percentiles(recoveries))
        within 3 s and two round trips: \(share) %
      a session back after healing, timers that were running included, in seconds: \(percentiles(recoveriesSinceHealing))
      all delivered after that, in seconds: \(percentiles(deliveries))
      """
  }

  private func percentiles(_ values: [Double]) -> String {
    guard !values.isEmpty else { return "none" }
    let sorted = values.sorted()
    return [50.0, 90, 99, 99.9, 100].map { percent in
      let place = min(sorted.count - 1, Int(Double(sorted.count) * percent / 100))
      return "\(percent == 100 ? "most" : "\(percent) %") \(rounded(sorted[place]))"
    }.joined(separator: ", ")
  }

  private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
