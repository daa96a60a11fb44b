import SimulationWorld
import Testing

/// Whole scenarios drawn from seeds; `make simulate SEEDS=…` runs as many as one likes.
@Suite struct ScenarioTests {
  /// What many outcomes add up to.
  private actor Account {
    private(set) var count = 0
    private(set) var recoveries = 0
    private(set) var inTime = 0

    func add(_ outcome: Outcome) {
      count += 1
      guard outcome.recovery != nil else { return }
      recoveries += 1
      if outcome.recoveredInTime { inTime += 1 }
    }
  }

  @Test("whatever befalls link, clocks and machines: nothing is forged, repeated, disordered or lost, and links heal")
  func scenariosHold() async {
    let account = Account()
    await withTaskGroup(of: Void.self) { group in
      for batch in 0..<30 as Range<UInt64> {
        group.addTask {
          for seed in batch * 10 + 1...batch * 10 + 10 {
            let outcome = Simulation.run(seed: seed)
            #expect(outcome.violations.isEmpty, "make simulate SEED=\(seed)")
            await account.add(outcome)
          }
        }
      }
    }
    let (recoveries, inTime) = await (account.recoveries, account.inTime)
    #expect(await account.count == 300)
    #expect(inTime * 10 >= recoveries * 9, "\(inTime) of \(recoveries) sessions were back within 3 s and two round trips")
  }
}
