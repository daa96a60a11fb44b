import ArgumentParser
import STTWire

/// What a flood consists of.
enum FloodKind: String, ExpressibleByArgument, CaseIterable {
  /// HELLOs with hints of nobody, half of them with a token as if after RETRY.
  case unknownHint = "unknown-hint"
  /// HELLOs with hints the collector waits for, seen or guessed, and no right mac1.
  case knownHint = "known-hint"
  /// HELLOs of handshakes that took place.
  case replayedHello = "replayed-hello"
  /// HELLOs that were held back on their way and that the collector has not seen from their devices yet: all
  /// their checks hold.
  case withheldHello = "withheld-hello"
  /// AUTH_PROOFs of handshakes that took place.
  case replayedProof = "replayed-proof"
  /// Noise under the name of the established session, each to be opened in vain.
  case sessionJunk = "session-junk"
  /// Noise under names of sessions that nobody has.
  case unknownSession = "unknown-session"

  var isOfHandshakes: Bool { self != .sessionJunk && self != .unknownSession }

  /// Eight bytes that are different in every datagram, so that whoever keeps something about each keeps millions.
  var variedOffset: Int? {
    switch self {
    case .unknownHint: FrameHeader.byteCount + 72
    case .unknownSession: 4
    default: nil
    }
  }

  /// What established streams keep, at least.
  var leastGoodput: Double { self == .sessionJunk ? 0.8 : 0.9 }
}

/// What went over the wire and came back in one flood; travels as a line of numbers.
struct FloodFigures {
  var datagrams: UInt64 = 0
  var bytes: UInt64 = 0
  var answers: UInt64 = 0
  var answerBytes: UInt64 = 0
  var seconds = 0.0

  init() {}

  init?(line: String) {
    let parts = line.split(separator: " ")
    guard parts.count == 5, let datagrams = UInt64(parts[0]), let bytes = UInt64(parts[1]),
      let answers = UInt64(parts[2]), let answerBytes = UInt64(parts[3]), let seconds = Double(parts[4])
    else { return nil }
    (self.datagrams, self.bytes, self.answers, self.answerBytes, self.seconds) =
      (datagrams, bytes, answers, answerBytes, seconds)
  }

  var line: String { "\(datagrams) \(bytes) \(answers) \(answerBytes) \(seconds)\n" }
  var rate: Double { seconds > 0 ? Double(datagrams) / seconds : 0 }
}
