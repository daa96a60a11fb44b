import ArgumentParser
import STC
import STTJSON
import STTSession

struct LatencyBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "latency",
    abstract: "Measures how old messages are when they reach the collector's sink, beside a bare UDP ping-pong.",
    discussion: """
      Two processes on loopback. One sends small messages at a steady pace through a real session, stamped with the time \
      each was due; the other takes their age. Then the same pace in bare datagrams between two processes that wait in \
      epoll, each datagram answered by one as large (a ping-pong: a session is answered, too); and once more without \
      answers, which is what no reliable protocol can do. Compare ratios, not figures of different runs.

      Exit codes: 0 measured; 1 a run failed.
      """)

  @Option(help: ArgumentHelp("Bytes of each message.", valueName: "bytes")) var message = 64
  @Option(help: "Messages a second.") var rate = 10_000
  @Option(help: ArgumentHelp("Length of each run; the first two seconds are warm-up.", valueName: "seconds")) var seconds = 5
  @Option(help: "Runs of each, in turn; the middle one counts.") var rounds = 3
  @Option(help: "aes-256-gcm, chacha20-poly1305, or auto for what this processor is best at.") var cipher = BenchCipher.auto
  @Option(help: "text or json (one object).") var format = OutputFormat.text

  func validate() throws {
    guard (16...1200).contains(message) else { throw ValidationError("--message is from 16 to 1200") }
    guard (1...100_000).contains(rate) else { throw ValidationError("--rate is from 1 to 100000") }
    guard (3...600).contains(seconds) else { throw ValidationError("--seconds is from 3 to 600: two are warm-up") }
    guard (1...99).contains(rounds) else { throw ValidationError("--rounds is from 1 to 99") }
  }

  func run() throws {
    do {
      var random = SystemRandomNumberGenerator()
      var plan = BenchPlan(
        messageByteCount: message, datagramByteCount: 1400, seconds: seconds, suite: cipher.suite, secrets: random.bytes(96))
      plan.paceBitsPerSecond = UInt64(rate * message * 8)
      plan.measuresAges = true
      var sessions: [BenchRun] = []
      var bare: [BenchRun] = []
      var oneWay: [BenchRun] = []
      try BenchProgress.during(Double(rounds * 3 * seconds)) { progress in
        for round in 1...rounds {
          progress.step("round \(round) of \(rounds)")
          sessions.append(try BenchRun.measure(plan, raw: false))
          plan.answersBare = true
          bare.append(try BenchRun.measure(plan, raw: true))
          plan.answersBare = false
          oneWay.append(try BenchRun.measure(plan, raw: true))
        }
      }
      report(sessions, bare, oneWay)
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  private func middle<Value: BinaryInteger>(_ runs: [BenchRun], _ value: (BenchRun) -> Value) -> Double {
    Double(runs.map(value).sorted()[runs.count / 2])
  }

  /// Microseconds of processor time for a message, at one end.
  private func cost(_ runs: [BenchRun], _ end: (BenchRun) -> BenchFigures) -> Double {
    middle(runs) { run in
      let figures = end(run)
      return Int(figures.cpuSeconds * 1e9 / Double(max(1, figures.messages)))
    } / 1000
  }

  private func report(_ sessions: [BenchRun], _ bare: [BenchRun], _ oneWay: [BenchRun]) {
    let rows: [(key: String, name: String, value: (BenchRun) -> UInt64)] = [
      ("p50", "half of them", { $0.ages.half }), ("p99", "99 %", { $0.ages.most }),
      ("p999", "99.9 %", { $0.ages.nearlyAll }),
    ]
    if format == .json {
      var root = JSONObject()
      for row in rows {
        root.set(row.key + "Microseconds", middle(sessions, row.value))
        root.set(row.key + "PingPongMicroseconds", middle(bare, row.value))
        root.set(row.key + "OneWayMicroseconds", middle(oneWay, row.value))
      }
      root.set("senderCPUMicrosecondsPerMessage", cost(sessions, \.sent))
      root.set("receiverCPUMicrosecondsPerMessage", cost(sessions, \.received))
      root.set("messagesPerSecond", rate)
      root.set("messageBytes", message)
      root.set("messagesLost", sessions.reduce(0) { $0 + $1.messagesLost })
      output(root.text + "\n")
      return
    }
    output(
      "  \(column("messages that were younger", 28))\(column("STT", 12, right: true))\(column("ping-pong", 12, right: true))"
        + "\(column("ratio", 10, right: true))\(column("one way", 12, right: true))\n")
    for row in rows {
      let (session, raw, quiet) = (
        middle(sessions, row.value), middle(bare, row.value), middle(oneWay, row.value)
      )
      output(
        "  \(column(row.name, 28))\(column(rounded(session, 0) + " us", 12, right: true))"
          + "\(column(rounded(raw, 0) + " us", 12, right: true))\(column(rounded(session / max(1, raw), 2), 10, right: true))"
          + "\(column(rounded(quiet, 0) + " us", 12, right: true))\n"
      )
    }
    output(
      "  CPU for a message: \(rounded(cost(sessions, \.sent), 1)) us at the sender, "
        + "\(rounded(cost(sessions, \.received), 1)) us at the receiver\n")
  }
}
