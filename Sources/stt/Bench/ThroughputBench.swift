import ArgumentParser
import Glibc
import LinuxEvents
import STC
import STTJSON
import STTSession

struct ThroughputBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "throughput",
    abstract: "Measures the link on loopback: two processes, the real session, beside the ceiling of the same run.",
    discussion: """
      One process sends sealed messages as fast as the other takes them. Then the same cipher calls and the same \
      sockets run without a session: that is the ceiling. Compare ratios, not figures of different runs.

      Exit codes: 0 measured; 1 a run failed.
      """, aliases: ["loopback"])

  @Option(help: ArgumentHelp("Bytes of each message.", valueName: "bytes")) var message = 65_536
  @Option(help: ArgumentHelp("Bytes of UDP payload.", valueName: "bytes")) var datagram = 1400
  @Option(help: ArgumentHelp("Length of each run.", valueName: "seconds")) var seconds = 4
  @Option(help: "aes-256-gcm, chacha20-poly1305, or auto for what this processor is best at.") var cipher = BenchCipher.auto
  @Option(help: "text or json (one object).") var format = OutputFormat.text

  func validate() throws {
    guard (16...16_777_200).contains(message) else { throw ValidationError("--message is from 16 to 16777200") }
    guard (1200...65_507).contains(datagram) else { throw ValidationError("--datagram is from 1200 to 65507") }
    guard (2...600).contains(seconds) else { throw ValidationError("--seconds is from 2 to 600: the first is warm-up") }
  }

  func run() throws {
    do {
      var random = SystemRandomNumberGenerator()
      let plan = BenchPlan(
        messageByteCount: message, datagramByteCount: datagram, seconds: seconds, suite: cipher.suite,
        secrets: random.bytes(96))
      try BenchProgress.during(Double(2 * seconds) + 0.5) { progress in
        progress.step("\(message)-byte messages in \(datagram)-byte datagrams")
        let session = try BenchRun.measure(plan, raw: false)
        progress.step("ceiling: the same cipher and sockets without a session")
        report(session, try BenchRun.measure(plan, raw: true))
      }
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  private func report(_ session: BenchRun, _ ceiling: BenchRun) {
    let share = ceiling.megabytesPerSecond > 0 ? session.megabytesPerSecond / ceiling.megabytesPerSecond : 0
    let senderCPU = session.senderCPUSecondsPerGigabyte / max(1e-9, ceiling.senderCPUSecondsPerGigabyte)
    if format == .json {
      var root = JSONObject()
      root.set("megabytesPerSecond", session.megabytesPerSecond)
      root.set("ceilingMegabytesPerSecond", ceiling.megabytesPerSecond)
      root.set("shareOfCeiling", share)
      root.set("messagesPerSecond", session.messagesPerSecond)
      root.set("cpuSecondsPerGigabyte", session.cpuSecondsPerGigabyte)
      root.set("ceilingCPUSecondsPerGigabyte", ceiling.cpuSecondsPerGigabyte)
      root.set("senderCPUSecondsPerGigabyte", session.senderCPUSecondsPerGigabyte)
      root.set("ceilingSenderCPUSecondsPerGigabyte", ceiling.senderCPUSecondsPerGigabyte)
      root.set("senderCPUOfCeiling", senderCPU)
      root.set("allocationsPerMessage", session.allocationsPerMessage)
      root.set("receiverResidentBytesAfterOneSecond", session.received.resident.begin)
      root.set("receiverResidentBytes", session.received.resident.end)
      root.set("messagesLost", session.messagesLost)
      root.set("packetsLost", session.packetsLost)
      root.set("messageBytes", message)
      root.set("datagramBytes", datagram)
      root.set("cipher", cipher.name)
      output(root.text + "\n")
      return
    }
    func row(_ name: String, _ value: String) { output("  \(column(name, 28))\(column(value, 14, right: true))\n") }
    row("payload", rounded(session.megabytesPerSecond, 1) + " MB/s")
    row("ceiling", rounded(ceiling.megabytesPerSecond, 1) + " MB/s")
    row("share of the ceiling", rounded(share * 100, 1) + " %")
    row("messages", rounded(session.messagesPerSecond, 0) + " /s")
    row("CPU, both ends", rounded(session.cpuSecondsPerGigabyte, 2) + " s/GB")
    row("CPU of the ceiling", rounded(ceiling.cpuSecondsPerGigabyte, 2) + " s/GB")
    row("CPU of the sender", rounded(session.senderCPUSecondsPerGigabyte, 2) + " s/GB")
    row("CPU of bare cipher, socket", rounded(ceiling.senderCPUSecondsPerGigabyte, 2) + " s/GB")
    row("the sender beside that", rounded(senderCPU, 2) + " x")
    row("allocations per message", rounded(session.allocationsPerMessage, 4))
    let resident = session.received.resident
    row("receiver's memory after 1 s", rounded(Double(resident.begin) / 1_048_576, 2) + " MiB")
    row("at the end", rounded(Double(resident.end) / 1_048_576, 2) + " MiB")
    row("messages lost", "\(session.messagesLost)")
    row("packets resent", "\(session.packetsLost)")
  }
}
