import ArgumentParser
import STC

/// One process of a measurement; started by `stt bench`.
struct BenchEnd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench-end", abstract: "One of the two processes of `stt bench`.", shouldDisplay: false)

  enum Side: String, ExpressibleByArgument, CaseIterable { case send, receive }

  @Argument var side: Side
  @Option var port: UInt16 = 0
  @Option var message: Int
  @Option var datagram: Int
  @Option var seconds: Int
  @Option var suite: UInt8
  @Option var deadline = 0
  @Option var pace: UInt64 = 0
  @Option var fec = BenchFEC.off
  @Option var secrets: String
  @Option var sizes = ""
  @Flag var raw = false
  @Flag var ages = false
  @Flag var durable = false
  @Flag var answered = false

  func run() throws {
    guard let suite = Suite(rawValue: suite), secrets.utf8.count == 192 else {
      throw ValidationError("bench-end is started by `stt bench`")
    }
    let digits = Array(secrets)
    let bytes = stride(from: 0, to: 192, by: 2).compactMap { UInt8(String(digits[$0..<$0 + 2]), radix: 16) }
    guard bytes.count == 96 else { throw ValidationError("bench-end is started by `stt bench`") }
    var plan = BenchPlan(
      messageByteCount: message, datagramByteCount: datagram, seconds: seconds, suite: suite, secrets: bytes)
    plan.deadlineMilliseconds = deadline
    plan.paceBitsPerSecond = pace
    plan.fec = fec
    plan.measuresAges = ages
    plan.isDurable = durable
    plan.byteCounts = sizes.split(separator: ",").compactMap { Int($0) }
    plan.answersBare = answered
    let figures: BenchFigures
    switch (side, raw) {
    case (.send, true) where ages: figures = try PacedSender.run(plan, port: port)
    case (.receive, true) where ages: figures = try PacedReceiver.run(plan)
    case (.send, false):
      var sender = try BenchSender.open(plan, port: port)
      figures = try sender.run()
    case (.receive, false):
      var receiver = try BenchReceiver.open(plan)
      output("\(receiver.port)\n")
      figures = try receiver.run()
    case (.send, true): figures = try RawSender.run(plan, port: port)
    case (.receive, true): figures = try RawReceiver.run(plan)
    }
    output(figures.line)
  }
}
