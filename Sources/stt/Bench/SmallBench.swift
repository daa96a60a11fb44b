import ArgumentParser
import STC
import STTJSON
import STTSession

struct SmallBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "small",
    abstract: "Measures how many small samples a second go through one session, and are recorded.",
    discussion: """
      One process sends samples through a real session as fast as another takes them; then to a real stt-collector that \
      records them. The ceiling is the same bytes of payload in full packets, with the same cipher calls on the same sockets \
      and nothing between. Allocations are counted in both processes of the first run, from its second second on.

      Exit codes: 0 measured; 1 a run failed, or the collector did not record what was sent.
      """)

  @Option(help: ArgumentHelp("Bytes of each sample.", valueName: "bytes")) var message = 64
  @Option(help: ArgumentHelp("Bytes of UDP payload.", valueName: "bytes")) var datagram = 1400
  @Option(help: ArgumentHelp("Length of each run; of the first, one more.", valueName: "seconds")) var seconds = 3
  @Option(help: ArgumentHelp("Where to record; a directory on the disk to be measured.", valueName: "directory"))
  var directory = "."
  @Option(help: "aes-256-gcm, chacha20-poly1305, or auto for what this processor is best at.") var cipher = BenchCipher.auto
  @Option(help: "text or json (one object).") var format = OutputFormat.text

  func validate() throws {
    guard (16...1200).contains(message) else { throw ValidationError("--message is from 16 to 1200") }
    guard (1200...65_507).contains(datagram) else { throw ValidationError("--datagram is from 1200 to 65507") }
    guard (2...600).contains(seconds) else { throw ValidationError("--seconds is from 2 to 600") }
  }

  func run() throws {
    do {
      var random = SystemRandomNumberGenerator()
      let plan = BenchPlan(
        messageByteCount: message, datagramByteCount: datagram, seconds: seconds, suite: cipher.suite,
        secrets: random.bytes(96))
      try BenchProgress.during(Double(seconds + 1) * 4) { progress in
        progress.step("one session")
        var longer = plan
        longer.seconds += 1
        let session = try BenchRun.measure(longer, raw: false)
        progress.step("ceiling: full packets without a session")
        var full = plan
        full.messageByteCount = 65_536
        let ceiling = try BenchRun.measure(full, raw: true)
        let recorded = try [false, true].map { isSealed in
          progress.step("recorded, \(isSealed ? "sealed" : "plain")")
          return try RecordRun.measure(
            plan, isSealed: isSealed, in: directory, syncMilliseconds: 50)
        }
        report(session, ceiling, plain: recorded[0], sealed: recorded[1])
      }
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  private func perMillion(_ figures: BenchFigures) -> Double { figures.allocationsPerMessage * 1e6 }

  private func report(_ session: BenchRun, _ ceiling: BenchRun, plain: RecordRun, sealed: RecordRun) {
    let most = ceiling.megabytesPerSecond * 1e6 / Double(message)
    let counted = min(session.sent.countedMessages, session.received.countedMessages)
    if format == .json {
      var root = JSONObject()
      root.set("samplesPerSecond", session.messagesPerSecond)
      root.set("ceilingSamplesPerSecond", most)
      root.set("recordedPlainSamplesPerSecond", plain.messagesPerSecond)
      root.set("recordedSealedSamplesPerSecond", sealed.messagesPerSecond)
      root.set("senderAllocationsPerMillionSamples", perMillion(session.sent))
      root.set("receiverAllocationsPerMillionSamples", perMillion(session.received))
      root.set("countedSamples", counted)
      root.set("lostSamples", session.messagesLost)
      root.set("cpuSecondsPerGigabyte", session.cpuSecondsPerGigabyte)
      root.set("messageBytes", message)
      root.set("datagramBytes", datagram)
      output(root.text + "\n")
      return
    }
    func row(_ name: String, _ value: String, _ note: String = "") {
      output("  \(column(name, 36))\(column(value, 16, right: true))\(note.isEmpty ? "" : "   " + note)\n")
    }
    func rate(_ name: String, _ value: Double) {
      row(name, rounded(value, 0) + " /s", "\(rounded(value / most * 100, 1)) % of the ceiling")
    }
    rate("samples of \(message) bytes, one session", session.messagesPerSecond)
    rate("recorded, plain", plain.messagesPerSecond)
    rate("recorded, sealed", sealed.messagesPerSecond)
    row("ceiling: so many in full packets", rounded(most, 0) + " /s")
    row("allocations of the sender", rounded(perMillion(session.sent), 2), "a million samples, of \(counted) counted")
    row("allocations of the receiver", rounded(perMillion(session.received), 2), "a million samples")
    row("CPU, both ends", rounded(session.cpuSecondsPerGigabyte, 2) + " s/GB")
  }
}
