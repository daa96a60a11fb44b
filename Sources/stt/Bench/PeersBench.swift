import ArgumentParser
import STC
import STTJSON
import STTSession

struct PeersBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peers",
    abstract: "Measures other protocols' programs on the same work beside STT, on loopback, in one run.",
    discussion: """
      `make bench-peers` installs and builds libsrt, MQTT over TLS, Zenoh over TLS and bare TLS, and runs this. Every \
      program sends messages from one process to another as fast as they are taken, in turn. STT is measured with 1400-byte \
      datagrams and with the largest there are. Messages a second are payload a second by the message's size: not every \
      protocol keeps messages apart. Processor time is that of all processes, a broker's too.

      Exit codes: 0 measured; 1 a run failed.
      """)

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Programs (Benchmarks/peers/README.md).", valueName: "paths"))
  var peer: [String] = []
  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("Bytes of each message, one table each.", valueName: "bytes"))
  var message = [65_536, 64]
  @Option(help: ArgumentHelp("Length of each run.", valueName: "seconds")) var seconds = 4
  @Option(help: "Runs of each program, in turn; the middle one counts.") var rounds = 1
  @Option(help: "aes-256-gcm, chacha20-poly1305, or auto for what this processor is best at.") var cipher = BenchCipher.auto
  @Option(help: "text or json (one object).") var format = OutputFormat.text

  func validate() throws {
    for bytes in message where !(16...1_000_000).contains(bytes) { throw ValidationError("--message is from 16 to 1000000") }
    guard (2...600).contains(seconds) else { throw ValidationError("--seconds is from 2 to 600") }
    guard (1...99).contains(rounds) else { throw ValidationError("--rounds is from 1 to 99") }
  }

  /// A program's runs on one size of message.
  private struct Contender {
    var name: String
    var messageByteCount: Int
    var runs: [BenchRun] = []

    /// The one of the middling throughput.
    var middle: BenchRun { runs.sorted { $0.megabytesPerSecond < $1.megabytesPerSecond }[runs.count / 2] }
    var messagesPerSecond: Double { middle.megabytesPerSecond * 1e6 / Double(messageByteCount) }
  }

  func run() throws {
    do {
      let tables = try BenchProgress.during(Double(message.count * (peer.count + 2) * rounds * (seconds + 1))) { progress in
        try message.map { try measure($0, progress) }
      }
      report(tables)
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  private func measure(_ byteCount: Int, _ progress: BenchProgress) throws -> [Contender] {
    var random = SystemRandomNumberGenerator()
    var contenders = ["stt", "stt, 65507-byte datagrams"].map { Contender(name: $0, messageByteCount: byteCount) }
    contenders += peer.map { Contender(name: PeerRun.name($0), messageByteCount: byteCount) }
    for _ in 0..<rounds {
      for index in contenders.indices {
        progress.step("\(byteCount)-byte messages, \(contenders[index].name)")
        let plan = BenchPlan(
          messageByteCount: byteCount, datagramByteCount: index == 1 ? 65_507 : 1400, seconds: seconds, suite: cipher.suite,
          secrets: random.bytes(96))
        contenders[index].runs.append(
          index < 2 ? try BenchRun.measure(plan, raw: false) : try PeerRun.measure(peer[index - 2], plan))
      }
    }
    return contenders
  }

  private func report(_ tables: [[Contender]]) {
    if format == .json {
      var root = JSONObject()
      root.set("rounds", rounds)
      root.set("runSeconds", seconds)
      root.set("cipher", cipher.name)
      root.set("runs", tables.flatMap { table in table.map { json($0, beside: table[0]) } })
      output(root.text + "\n")
      return
    }
    for table in tables {
      output(
        "  \(column("\(table[0].messageByteCount)-byte messages", 28))\(column("MB/s", 10, right: true))"
          + "\(column("messages/s", 14, right: true))\(column("CPU s/GB", 11, right: true))"
          + "\(column("stt is", 12, right: true))\(column("its CPU", 10, right: true))\n")
      for it in table {
        let ratio = table[0].middle.megabytesPerSecond / it.middle.megabytesPerSecond
        let cpu = table[0].middle.cpuSecondsPerGigabyte / it.middle.cpuSecondsPerGigabyte
        output(
          "  \(column(it.name, 28))\(column(rounded(it.middle.megabytesPerSecond, 1), 10, right: true))"
            + "\(column(rounded(it.messagesPerSecond, 0), 14, right: true))"
            + "\(column(rounded(it.middle.cpuSecondsPerGigabyte, 2), 11, right: true))"
            + "\(column(rounded(ratio, 2) + " x", 12, right: true))\(column(rounded(cpu, 2) + " x", 10, right: true))\n")
      }
    }
  }

  private func json(_ it: Contender, beside stt: Contender) -> JSONObject {
    var root = JSONObject()
    root.set("program", it.name)
    root.set("messageBytes", it.messageByteCount)
    root.set("megabytesPerSecond", it.middle.megabytesPerSecond)
    root.set("messagesPerSecond", it.messagesPerSecond)
    root.set("cpuSecondsPerGigabyte", it.middle.cpuSecondsPerGigabyte)
    root.set("sttThroughputRatio", stt.middle.megabytesPerSecond / it.middle.megabytesPerSecond)
    root.set("sttCPURatio", stt.middle.cpuSecondsPerGigabyte / it.middle.cpuSecondsPerGigabyte)
    return root
  }
}
