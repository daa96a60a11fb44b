import ArgumentParser
import LinuxEvents
import STC
import STTImpairment
import STTJSON
import STTSession

struct LossBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "loss",
    abstract: "Measures what arrives over a limited link that loses packets: two processes, and a relay between them.",
    discussion: """
      The relay (see `stt relay`) limits the rate, delays and loses, alike in both directions, with a queue of one \
      product of rate and round trip. At each --loss one RELIABLE stream sends as fast as it is delivered: told is its \
      payload as a share of all bits the link carries, from the third second on. At each --deadline-loss a PARTIAL stream \
      sends messages at half the link's rate: told is which share of them, from the third second on, arrived within \
      --deadline.

      With --peer another program is measured beside it through the same relay (Benchmarks/peers/README.md).

      Exit codes: 0 measured; 1 a run failed.
      """)

  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("Losses at which to measure a RELIABLE stream.", valueName: "percent"))
  var loss: [Double] = [0, 1, 5, 10, 20]
  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("Losses at which to measure a PARTIAL stream.", valueName: "percent"))
  var deadlineLoss: [Double] = [5]
  @Option(help: "Which to measure: reliable, partial or both.") var delivery = Deliveries.both
  @Option(help: ArgumentHelp("Deadline of the PARTIAL stream.", valueName: "duration"))
  var deadline = SpanOfTime(nanoseconds: 200_000_000)
  @Option(help: "Forward error correction of the PARTIAL stream, 12+4: off, auto (while repeating takes too long) or on.")
  var fec = BenchFEC.auto
  @Option(help: ArgumentHelp("Round trip without a queue.", valueName: "duration"))
  var rtt = SpanOfTime(nanoseconds: 50_000_000)
  @Option(help: ArgumentHelp("Bits a second of the link.", valueName: "rate"))
  var rate = BitRate(bitsPerSecond: 100_000_000)
  @Option(help: ArgumentHelp("Length of each run.", valueName: "seconds")) var seconds = 10
  @Option(help: ArgumentHelp("Bytes of UDP payload.", valueName: "bytes")) var datagram = 1200
  @Option(help: ArgumentHelp("Bytes of each message.", valueName: "bytes")) var message = 20_000
  @Option(help: ArgumentHelp("Sessions that share the link, each with two processes.", valueName: "count"))
  var senders = 1
  @Option(help: ArgumentHelp("Decides every chance.", valueName: "number")) var seed: UInt64 = 1
  @Option(help: "aes-256-gcm, chacha20-poly1305, or auto for what this processor is best at.") var cipher = BenchCipher.auto
  @Option(help: ArgumentHelp("Another program to measure beside it.", valueName: "path")) var peer: String?
  @Option(help: "text or json (one object).") var format = OutputFormat.text

  enum Deliveries: String, ExpressibleByArgument, CaseIterable {
    case reliable, partial, both
  }

  func validate() throws {
    for percent in loss + deadlineLoss where !(0...90).contains(percent) {
      throw ValidationError("--loss and --deadline-loss are from 0 to 90 percent, not \(percent)")
    }
    guard (16...1_000_000).contains(message) else { throw ValidationError("--message is from 16 to 1000000") }
    guard (1200...65_507).contains(datagram) else { throw ValidationError("--datagram is from 1200 to 65507") }
    guard (4...600).contains(seconds) else {
      throw ValidationError("--seconds is from 4 to 600: the first two do not count")
    }
    guard (1...8).contains(senders) else { throw ValidationError("--senders is from 1 to 8") }
    guard rtt.nanoseconds <= 10_000_000_000 else { throw ValidationError("--rtt is 10s at most") }
    guard (1_000_000...10_000_000_000).contains(deadline.nanoseconds) else {
      throw ValidationError("--deadline is from 1ms to 10s")
    }
  }

  func run() throws {
    do {
      var runs: [LossRun] = []
      if format == .text { output(heading) }
      let programs = [nil] + (peer.map { [$0] } ?? [])
      for percent in loss where delivery != .partial {
        for program in programs { runs.append(try measure(program, percent, isPartial: false)) }
      }
      if format == .text, delivery != .reliable { output(deadlineHeading) }
      for percent in deadlineLoss where delivery != .reliable {
        for program in programs { runs.append(try measure(program, percent, isPartial: true)) }
      }
      if format == .json { output(json(runs).text + "\n") }
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  private func measure(_ program: String?, _ percent: Double, isPartial: Bool) throws -> LossRun {
    var random = SystemRandomNumberGenerator()
    var plan = BenchPlan(
      messageByteCount: message, datagramByteCount: datagram, seconds: seconds, suite: cipher.suite,
      secrets: random.bytes(96))
    if isPartial {
      plan.fec = fec
      plan.deadlineMilliseconds = Int(deadline.nanoseconds / 1_000_000)
      plan.paceBitsPerSecond = rate.bitsPerSecond / 2 / UInt64(senders)
    }
    let link = Impairment(lossPercent: percent, delay: rtt.nanoseconds / 2, bitsPerSecond: rate.bitsPerSecond)
    let run = try LossRun.measure(plan, over: link, seed: seed, senders: senders, peer: program)
    if format == .text { output(run.row) }
    return run
  }

  private var heading: String {
    let link = Impairment(delay: rtt.nanoseconds / 2, bitsPerSecond: rate.bitsPerSecond)
    return """
      \(rounded(Double(rate.bitsPerSecond) / 1e6, 1)) Mbit/s, round trip \(rounded(Double(rtt.nanoseconds) / 1e6, 1)) ms, \
      queue \(sizeText(UInt64(link.queueByteCount))), \(datagram)-byte datagrams, \(seconds) s each
      RELIABLE  \(LossRun.columns)

      """
  }

  private var deadlineHeading: String {
    "PARTIAL, \(deadline.nanoseconds / 1_000_000) ms, \(message)-byte messages at half the link's rate\n"
  }

  private func json(_ runs: [LossRun]) -> JSONObject {
    var root = JSONObject()
    root.set("linkBitsPerSecond", rate.bitsPerSecond)
    root.set("roundTripMilliseconds", Double(rtt.nanoseconds) / 1e6)
    root.set("datagramBytes", datagram)
    root.set("messageBytes", message)
    root.set("runSeconds", seconds)
    root.set("seed", seed)
    root.set("cipher", cipher.name)
    root.set("runs", runs.map(\.json))
    return root
  }
}
