import STC
import STTSession
import STTWire

/// What both processes of a measurement know.
struct BenchPlan {
  var messageByteCount: Int
  var datagramByteCount: Int
  var seconds: Int
  var suite: Suite
  /// Deadline of each message in milliseconds, on a PARTIAL stream; 0: a RELIABLE one.
  var deadlineMilliseconds = 0
  /// Payload bits a second; 0: as fast as they are delivered.
  var paceBitsPerSecond: UInt64 = 0
  /// Whether the receiver notes how old messages are when they come.
  var measuresAges = false
  /// Whether bare datagrams of such a measurement are answered, each with one as large.
  var answersBare = false
  /// Of the stream.
  var fec = BenchFEC.off
  /// Seed and the two node ids; random, for this run alone.
  var secrets: [UInt8]

  func keys() throws -> PairKeys {
    PairKeys(
      seed: try Seed(bytes: Array(secrets[0..<32])),
      pair: try Pair(initiatorID: Array(secrets[32..<64]), responderID: Array(secrets[64..<96]), epoch: 1))
  }

  var settings: Session.Settings { Session.Settings(datagramByteCount: datagramByteCount) }
  /// Messages of a pace before a sender has found its rate; those after it count.
  var unsteadyMessageCount: UInt64 {
    paceBitsPerSecond / 8 * UInt64(BenchMeter.steadyAfterSeconds) / UInt64(messageByteCount)
  }
  var offer: HandshakeOffer { HandshakeOffer(suites: [suite], maximumDatagram: UInt16(datagramByteCount)) }

  /// As arguments for a child.
  var arguments: [String] {
    [
      "--message", "\(messageByteCount)", "--datagram", "\(datagramByteCount)", "--seconds", "\(seconds)", "--suite",
      "\(suite.rawValue)", "--deadline", "\(deadlineMilliseconds)", "--pace", "\(paceBitsPerSecond)", "--fec", fec.rawValue,
      "--secrets",
      secrets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(),
    ] + (measuresAges ? ["--ages"] : []) + (answersBare ? ["--answered"] : [])
  }

  init(messageByteCount: Int, datagramByteCount: Int, seconds: Int, suite: Suite, secrets: [UInt8]) {
    self.messageByteCount = messageByteCount
    self.datagramByteCount = datagramByteCount
    self.seconds = seconds
    self.suite = suite
    self.secrets = secrets
  }
}

/// What two processes measured together.
struct BenchRun {
  var megabytesPerSecond = 0.0
  var messagesPerSecond = 0.0
  var cpuSecondsPerGigabyte = 0.0
  var senderCPUSecondsPerGigabyte = 0.0
  var allocationsPerMessage = 0.0
  var messagesLost: Int64 = 0
  var packetsLost: UInt64 = 0
  /// Microseconds, of messages that were paced: 50 %, 99 % and 99.9 %.
  var ages: (half: UInt64, most: UInt64, nearlyAll: UInt64) = (0, 0, 0)

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
    var run = BenchRun()
    guard received.seconds > 0, received.bytes > 0, received.messages > 0 else { throw ChildFailed(which: "receiving") }
    let gigabytes = Double(received.bytes) / 1e9
    run.megabytesPerSecond = Double(received.bytes) / 1e6 / received.seconds
    run.messagesPerSecond = Double(received.messages) / received.seconds
    run.cpuSecondsPerGigabyte = (sent.cpuSeconds + received.cpuSeconds) / gigabytes
    run.senderCPUSecondsPerGigabyte = sent.cpuSeconds / gigabytes
    run.allocationsPerMessage = (sent.allocationsPerMessage + received.allocationsPerMessage)
    run.messagesLost = Int64(sent.messages) - Int64(received.messages)
    run.packetsLost = sent.packetsLost
    run.ages = received.ages
    return run
  }
}
