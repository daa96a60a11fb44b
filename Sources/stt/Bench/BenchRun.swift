/// What two processes measured together.
struct BenchRun {
  var megabytesPerSecond = 0.0
  var messagesPerSecond = 0.0
  var cpuSecondsPerGigabyte = 0.0
  /// Of what it sent, whether it arrived or not.
  var senderCPUSecondsPerGigabyte = 0.0
  var messagesLost: Int64 = 0
  var packetsLost: UInt64 = 0
  var sent = BenchFigures()
  var received = BenchFigures()
  /// Microseconds, of messages that were paced: 50 %, 99 % and 99.9 %.
  var ages: (half: UInt64, most: UInt64, nearlyAll: UInt64) = (0, 0, 0)

  /// At both ends together.
  var allocationsPerMessage: Double { sent.allocationsPerMessage + received.allocationsPerMessage }

  struct ChildFailed: Error, CustomStringConvertible {
    let which: String
    var description: String { "the \(which) process of the measurement ended without a result" }
  }

  static func measure(_ plan: BenchPlan, raw: Bool) throws -> BenchRun {
    let stt = programDirectory() + "/stt"
    let mode = raw ? ["--raw"] : []
    let receiver = try ChildProcess(stt, ["bench-end", "receive"] + plan.arguments + mode)
    guard let port = receiver.readLine().flatMap({ UInt16($0) }) else { throw ChildFailed(which: "receiving") }
    let sender = try ChildProcess(stt, ["bench-end", "send", "--port", "\(port)"] + plan.arguments + mode)
    guard let sent = sender.readLine().flatMap(BenchFigures.init(line:)), sender.wait() == 0 else {
      throw ChildFailed(which: "sending")
    }
    guard let received = receiver.readLine().flatMap(BenchFigures.init(line:)), receiver.wait() == 0 else {
      throw ChildFailed(which: "receiving")
    }
    guard received.seconds > 0, received.bytes > 0, received.messages > 0 else { throw ChildFailed(which: "receiving") }
    return BenchRun(sent, received)
  }

  init(_ sent: BenchFigures, _ received: BenchFigures) {
    let gigabytes = Double(received.bytes) / 1e9
    megabytesPerSecond = Double(received.bytes) / 1e6 / received.seconds
    messagesPerSecond = Double(received.messages) / received.seconds
    cpuSecondsPerGigabyte = (sent.cpuSeconds + received.cpuSeconds) / gigabytes
    senderCPUSecondsPerGigabyte = sent.cpuSeconds / max(1, Double(sent.bytes)) * 1e9
    messagesLost = Int64(clamping: sent.messages) - Int64(clamping: received.messages)
    packetsLost = sent.packetsLost
    ages = received.ages
    self.sent = sent
    self.received = received
  }
}
