import LinuxUDP
import STTImpairment
import STTJSON

/// One measurement over a bad link, and how it is told.
struct LossRun {
  /// "stt", or the peer's name.
  var program: String
  var plan: BenchPlan
  var link: Impairment
  var sent: [BenchFigures] = []
  var received: [BenchFigures] = []
  var relay = RelayReport()

  static func measure(_ plan: BenchPlan, over link: Impairment, seed: UInt64, senders: Int, peer: String?) throws -> LossRun
  {
    let path = peer ?? programDirectory() + "/stt"
    func words(_ side: String) -> [String] {
      peer == nil ? ["bench-end", side] + plan.arguments : [side] + plan.peerArguments
    }
    var run = LossRun(
      program: peer.map { String($0.split(separator: "/").last ?? "peer") } ?? "stt", plan: plan, link: link)
    let receivers = try (0..<senders).map { _ in try ChildProcess(path, words("receive")) }
    let ports = try receivers.map { receiver in
      guard let port = receiver.readLine().flatMap({ UInt16($0) }) else { throw BenchRun.ChildFailed(which: "receiving") }
      return port
    }
    let relay = try ImpairmentRelay(to: ports.map { .loopback(port: $0) }, there: link, back: link, seed: seed)
    let sending = try receivers.map { _ in
      try ChildProcess(path, words("send") + ["--port", "\(relay.local.port)"])
    }
    run.sent = try sending.map { try figures($0, "sending") }
    run.received = try receivers.map { try figures($0, "receiving") }
    run.relay = relay.report
    return run
  }

  private static func figures(_ process: ChildProcess, _ which: String) throws -> BenchFigures {
    guard let figures = process.readLine().flatMap(BenchFigures.init(line:)), process.wait() == 0 else {
      throw BenchRun.ChildFailed(which: which)
    }
    return figures
  }

  private var isPartial: Bool { plan.deadlineMilliseconds > 0 }
  /// Payload bits a second of each session.
  private var rates: [Double] {
    received.map { Double($0.steadyBytes * 8) / Double(plan.seconds - BenchMeter.steadyAfterSeconds) }
  }
  private var payload: Double { rates.reduce(0, +) }
  private var share: Double { payload / Double(link.bitsPerSecond ?? 1) }
  private var inTime: Double {
    Double(received.map(\.onTime).reduce(0, +)) / Double(max(1, sent.map(\.steadyMessages).reduce(0, +)))
  }
  /// Jain's index: 1 when all have the same share, 1/n when one has it all.
  private var fairness: Double {
    let squares = rates.map { $0 * $0 }.reduce(0, +)
    return squares > 0 ? payload * payload / squares / Double(rates.count) : 1
  }
  private var cpuPerGigabyte: Double {
    let seconds = (sent + received).map(\.cpuSeconds).reduce(0, +)
    return seconds / max(1, Double(received.map(\.bytes).reduce(0, +))) * 1e9
  }

  static var columns: String {
    column("loss", 7, right: true) + column("Mbit/s", 10, right: true) + column("of the link", 13, right: true)
      + column("queue drops", 13, right: true) + column("CPU s/GB", 10, right: true)
      + column("relay late, 99 %", 18, right: true)
  }

  var row: String {
    var text = column(program, 10) + column(rounded(link.lossPercent, 1) + " %", 7, right: true)
    text += column(rounded(payload / 1e6, 1), 10, right: true)
    text += column(isPartial ? "" : rounded(share * 100, 1) + " %", 13, right: true)
    text += column("\(relay.there.overflowed)", 13, right: true) + column(rounded(cpuPerGigabyte, 1), 10, right: true)
    text += column(rounded(Double(relay.lateness.percentile(99)) / 1000, 0) + " µs", 18, right: true)
    if isPartial { text += "   in time: \(rounded(inTime * 100, 2)) %" }
    if rates.count > 1 {
      text += "   each: " + rates.map { rounded($0 / 1e6, 1) }.joined(separator: " ") + ", Jain \(rounded(fairness, 3))"
    }
    let harm = relay.overruns + relay.refused + relay.crowdedOut
    if harm > 0 { text += "   \(harm) lost by the relay itself" }
    return text + "\n"
  }

  var json: JSONObject {
    var root = JSONObject()
    root.set("program", program)
    root.set("fec", plan.fec.rawValue)
    root.set("delivery", isPartial ? "partial" : "reliable")
    root.set("lossPercent", link.lossPercent)
    root.set("payloadBitsPerSecond", payload)
    root.set("shareOfLinkPercent", share * 100)
    if isPartial {
      root.set("deadlineMilliseconds", plan.deadlineMilliseconds)
      root.set("deliveredInTimePercent", inTime * 100)
      root.set("offeredBitsPerSecond", plan.paceBitsPerSecond * UInt64(sent.count))
    }
    root.set("sentMessages", sent.map(\.messages).reduce(0, +))
    root.set("receivedMessages", received.map(\.messages).reduce(0, +))
    root.set("resentPackets", sent.map(\.packetsLost).reduce(0, +))
    root.set("cpuSecondsPerGigabyte", cpuPerGigabyte)
    root.set("sessions", rates.count)
    root.set("jainIndex", fairness)
    root.set("relay", relay.json)
    return root
  }
}

extension BenchPlan {
  /// For another program (Benchmarks/peers/README.md).
  var peerArguments: [String] {
    [
      "--message", "\(messageByteCount)", "--datagram", "\(datagramByteCount)", "--seconds", "\(seconds)", "--deadline",
      "\(deadlineMilliseconds)", "--pace", "\(paceBitsPerSecond)",
    ]
  }
}
