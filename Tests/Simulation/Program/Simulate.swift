import ArgumentParser
import Glibc
import STTSession
import STTWire
import SimulationWorld

/// Runs the protocol through as many scenarios as asked for, each drawn from one number.
@main struct Simulate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stt-simulate",
    abstract: "Two real endpoints, a simulated bad link, and every fault there is; each run drawn from one seed.")

  @Option(help: "How many seeds to run.") var seeds: UInt64 = 1000
  @Option(help: "The first seed.") var from: UInt64 = 1
  @Option(help: "Run this seed alone and tell what happens.") var seed: UInt64?
  @Flag(
    help:
      "Measure the share of a 100 Mbit/s link with a 50 ms round trip that arrives as payload, and what of a PARTIAL stream arrives in time, at several losses."
  )
  var goodput = false
  @Flag(help: "Measure what a session gets beside a CUBIC transfer, and beside another session, on one narrow link.")
  var fairness = false
  @Option(help: "Runs at the same time.") var jobs: Int = sysconf(Int32(_SC_NPROCESSORS_ONLN))

  func run() async throws {
    CrashNote.install()
    if goodput {
      print("loss    share of the link's bits that is payload")
      for loss in [0, 1, 5, 10, 20] as [Double] {
        let share = try Goodput(lossPercent: loss).share()
        print("\(loss) %   \((share * 1000).rounded() / 10) %")
      }
      try printTimeliness()
      return
    }
    if fairness { return try Fairness.print() }
    if let seed {
      let outcome = Simulation.run(seed: seed)
      print(Self.text(of: Scenario(seed: seed)))
      print(Self.text(of: outcome))
      if !outcome.violations.isEmpty { throw ExitCode(1) }
      return
    }
    let end = from + seeds
    let (from, jobs) = (from, max(1, jobs))
    var summary = Summary()
    await withTaskGroup(of: [Outcome].self) { group in
      var next = from
      func add(_ worker: Int) {
        let batch = next..<min(end, next + 50)
        next = batch.upperBound
        if !batch.isEmpty {
          group.addTask {
            batch.map { seed in
              CrashNote.running(seed, worker: worker)
              return Simulation.run(seed: seed)
            }
          }
        }
      }
      for worker in 0..<jobs { add(worker) }
      var turn = 0
      while let outcomes = await group.next() {
        for outcome in outcomes {
          summary.add(outcome)
          if !outcome.violations.isEmpty { print(Self.text(of: outcome)) }
        }
        if summary.runCount % 1000 == 0 { print("\(summary.runCount) of \(seeds) seeds, \(summary.failed.count) failed") }
        turn += 1
        add(turn % jobs)
      }
    }
    print(summary.text)
    if !summary.failed.isEmpty { throw ExitCode(1) }
  }

  private func printTimeliness() throws {
    print("\nPARTIAL, deadline 200 ms, 300 messages of 3300 bytes a second: share delivered in time, packets a message")
    let parities: [(String, Parity)] = [
      ("none", .none), ("XOR 6+1", Self.parity(6, 1)), ("RS 12+4", Self.parity(12, 4)), ("RS 16+6", Self.parity(16, 6)),
    ]
    let links: [(String, Double, LinkConditions.Bursts?)] = [
      ("1 %", 1, nil), ("5 %", 5, nil), ("10 %", 10, nil),
      ("bursts", 0, LinkConditions.Bursts(beginPercent: 1, endPercent: 40, lossPercent: 100)),
    ]
    for roundTrip in [50, 150] as [UInt64] {
      for (link, loss, bursts) in links {
        var line = "\(roundTrip) ms, \(link):"
        for (name, parity) in parities {
          var timeliness = Timeliness(parity: parity)
          timeliness.lossPercent = loss
          timeliness.bursts = bursts
          timeliness.roundTrip = .milliseconds(roundTrip)
          timeliness.interval = .milliseconds(10) / 3
          timeliness.duration = .seconds(60)
          let result = try timeliness.measure()
          let percent = (result.inTime * 10_000).rounded() / 100
          line += "   \(name) \(percent) % \((result.packetsPerMessage * 100).rounded() / 100)"
        }
        print(line)
      }
    }
  }

  private static func parity(_ data: Int, _ parity: Int) -> Parity {
    ParityShape(dataCount: data, parityCount: parity).map(Parity.always) ?? .none
  }

  private static func text(of outcome: Outcome) -> String {
    let faults = outcome.faults.map(\.rawValue).sorted().joined(separator: " ")
    guard !outcome.violations.isEmpty else {
      return
        "seed \(outcome.seed): all is well; \(outcome.sessionCount) session(s), \(outcome.datagramCount) datagrams, \(outcome.virtualNanoseconds / 1_000_000_000) s; faults: \(faults)"
    }
    return """
      seed \(outcome.seed) FAILED; faults: \(faults)
      \(outcome.violations.map { "  \($0)" }.joined(separator: "\n"))
        again: make simulate SEED=\(outcome.seed)
      """
  }

  private static func text(of scenario: Scenario) -> String {
    var lines = ["faults: \(scenario.faults.map(\.rawValue).sorted().joined(separator: " "))"]
    lines.append("while they last: \(scenario.conditions)")
    lines.append("afterwards: \(scenario.healed)")
    lines.append("mode: \(scenario.modes), suite: \(scenario.suites), \(scenario.settings)")
    for (index, stream) in scenario.streams.enumerated() { lines.append("stream \(index): \(stream)") }
    for event in scenario.events { lines.append("\(Double(event.time) / 1e9) s: \(event.action)") }
    lines.append("healed after \(Double(scenario.length) / 1e9) s")
    return lines.joined(separator: "\n")
  }
}
