import ArgumentParser
import STTJSON

struct FloodCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flood",
    abstract: "Floods a collector of its own on loopback, and measures what its devices notice.",
    discussion: """
      Starts stt-collector alone on one processor, streams to it, lets devices make handshakes, and floods it from \
      64 addresses of 127.0.0.0/8, each kind of flood for a few seconds beside the same seconds with the flood \
      going elsewhere. Nothing leaves the machine, and the flood ends by itself.

      Kinds: \(FloodKind.allCases.map(\.rawValue).joined(separator: ", ")).

      Promised under 100,000 datagrams a second: established streams keep 90 % of their goodput (80 % when the flood \
      bears their session's name), 95 % of handshakes complete within 5 s, the collector grows by at most 1 MiB, \
      answers are no larger than questions, and no public-key operation without a valid mac1.

      Exit codes: 0 all promises kept; 1 a run failed; 2 a promise was not kept.
      """)

  @Option(help: ArgumentHelp("Kinds of flood; all if none is given.", valueName: "kind")) var kind: [FloodKind] = []
  @Option(help: ArgumentHelp("Datagrams offered each second.", valueName: "datagrams")) var rate = 100_000
  @Option(help: ArgumentHelp("Length of each flood.", valueName: "seconds")) var seconds = 3
  @Option(help: ArgumentHelp("Floods of each kind.", valueName: "count")) var rounds = 2
  @Option(help: ArgumentHelp("What the established device streams.", valueName: "MB/s")) var load = 10
  @Option(help: ArgumentHelp("Devices that each make one handshake in each flood.", valueName: "count")) var devices = 40
  @Option(help: "text or json (one object).") var format = OutputFormat.text

  func validate() throws {
    guard (1000...1_000_000).contains(rate) else { throw ValidationError("--rate is from 1000 to 1000000") }
    guard (1...60).contains(seconds) else { throw ValidationError("--seconds is from 1 to 60") }
    guard (1...20).contains(rounds) else { throw ValidationError("--rounds is from 1 to 20") }
    guard (1...500).contains(load) else { throw ValidationError("--load is from 1 to 500 MB/s") }
    guard (1...200).contains(devices) else { throw ValidationError("--devices is from 1 to 200") }
  }

  func run() throws {
    let results: [FloodResult]
    do {
      let run = try FloodRun(
        rate: rate, milliseconds: seconds * 1000, megabytesPerSecond: load, callerCount: devices)
      try run.warmUp()
      if format == .text { output(Self.heading) }
      results = try (kind.isEmpty ? FloodKind.allCases : kind).map { kind in
        let result = try run.measure(kind, rounds: rounds)
        if format == .text { output(Self.row(result)) }
        return result
      }
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
    let broken = results.filter { !$0.broken.isEmpty }
    if format == .json {
      var root = JSONObject()
      root.set("offeredRate", rate)
      root.set("loadMegabytesPerSecond", load)
      root.set("floods", results.map(Self.json))
      output(root.text + "\n")
    } else {
      for result in broken { output("not kept under \(result.kind.rawValue): \(result.broken.joined(separator: ", "))\n") }
    }
    if !broken.isEmpty { throw ExitCode(2) }
  }

  private static let columns = [16, 10, 10, 9, 12, 10, 9, 11, 9, 11, 12]

  private static func line(_ cells: [String]) -> String {
    zip(cells, columns).enumerated().map { column($1.0, $1.1, right: $0 > 0) }.joined() + "\n"
  }

  private static var heading: String {
    line([
      "flood", "offered/s", "read", "goodput", "handshakes", "slowest", "memory", "responses", "retries", "pk ops",
      "CPU",
    ])
  }

  private static func row(_ result: FloodResult) -> String {
    line([
      result.kind.rawValue, rounded(result.offeredPerSecond, 0),
      result.kind.isOfHandshakes ? rounded(result.readShare * 100, 0) + " %" : "-",
      rounded(result.goodputShare * 100, 1) + " %", "\(result.completed)/\(result.handshakes)",
      rounded(result.slowestHandshakeMilliseconds, 0) + " ms", "+\(result.memoryGrowthKiB) KiB", "\(result.responses)",
      "\(result.retries)", "\(result.publicKeyOperations)",
      rounded(result.quietCPUShare * 100, 0) + "->" + rounded(result.floodCPUShare * 100, 0) + " %",
    ])
  }

  private static func json(_ result: FloodResult) -> JSONObject {
    var object = JSONObject()
    object.set("kind", result.kind.rawValue)
    object.set("offeredPerSecond", result.offeredPerSecond)
    object.set("quietMegabytesPerSecond", result.quietGoodput / 1e6)
    object.set("floodMegabytesPerSecond", result.floodGoodput / 1e6)
    object.set("goodputShare", result.goodputShare)
    object.set("handshakes", result.handshakes)
    object.set("handshakesCompletedWithin5s", result.completed)
    object.set("slowestHandshakeMilliseconds", result.slowestHandshakeMilliseconds)
    object.set("memoryGrowthKiB", result.memoryGrowthKiB)
    object.set("collectorCPUShareQuiet", result.quietCPUShare)
    object.set("collectorCPUShareFlood", result.floodCPUShare)
    object.set("handshakeDatagramsRead", result.handshakesRead)
    object.set("floodDatagrams", result.floodDatagrams)
    object.set("responses", result.responses)
    object.set("retries", result.retries)
    object.set("publicKeyOperations", result.publicKeyOperations)
    object.set("floodBytes", result.floodBytes)
    object.set("answerBytes", result.answerBytes)
    object.set("broken", result.broken.joined(separator: ","))
    return object
  }
}
