import STC
import STTSession
import STTWire

/// What both processes of a measurement know.
struct BenchPlan {
  /// Of the largest message.
  var messageByteCount: Int
  /// Of one message after another, over and over; empty: all are alike.
  var byteCounts: [Int] = []
  var datagramByteCount: Int
  var seconds: Int
  var suite: Suite
  /// Whether the sender waits until everything is on the collector's disk.
  var isDurable = false
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

  func byteCount(ofMessage number: UInt64) -> Int {
    byteCounts.isEmpty ? messageByteCount : byteCounts[Int(number % UInt64(byteCounts.count))]
  }

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
    let digits = secrets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    var words = [
      "--message", "\(messageByteCount)", "--datagram", "\(datagramByteCount)", "--seconds", "\(seconds)", "--suite",
      "\(suite.rawValue)", "--deadline", "\(deadlineMilliseconds)", "--pace", "\(paceBitsPerSecond)", "--fec", fec.rawValue,
      "--secrets", digits,
    ]
    if measuresAges { words.append("--ages") }
    if answersBare { words.append("--answered") }
    if isDurable { words.append("--durable") }
    if !byteCounts.isEmpty { words += ["--sizes", byteCounts.map { String($0) }.joined(separator: ",")] }
    return words
  }

  init(messageByteCount: Int, datagramByteCount: Int, seconds: Int, suite: Suite, secrets: [UInt8]) {
    self.messageByteCount = messageByteCount
    self.datagramByteCount = datagramByteCount
    self.seconds = seconds
    self.suite = suite
    self.secrets = secrets
  }
}
